"""The benchmark gate: each rule with a passing and a failing case, and what it does with too little."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from gateline.contracts.load_sample import LoadSample
from gateline.contracts.verdict import Outcome, Verdict
from gateline.settings import BenchmarkGate, load
from validation.benchmark import gate as benchmark
from validation.benchmark.gate import judge, plots, rules

ROOT = Path(__file__).resolve().parents[3]
RELEASE = "ab" * 32
OTHER = "cd" * 32
GATE = BenchmarkGate(max_p50_ms=10, max_p95_ms=20, max_p99_ms=30, max_error_share=0.01, min_rate_share=0.8)


def sample(
    *,
    requests: int = 1000,
    fast: float = 5.0,
    slow: float = 5.0,
    slow_share: float = 0.0,
    failed: int = 0,
    seconds: float = 10.0,
    intended: float = 100.0,
    releases: dict[str, int] | None = None,
) -> LoadSample:
    """Return a sample in which `slow_share` of the requests take `slow` ms and the others `fast` ms."""
    late = round(slow_share * requests)
    latencies = [fast] * (requests - late) + [slow] * late
    failures = {"HTTP 500": failed} if failed else {}
    answers = {RELEASE: requests} if releases is None else releases
    return LoadSample.of("u", latencies, failures, seconds, releases=answers, intended_rate=intended)


def outcome(name: str, seen: LoadSample, gate: BenchmarkGate = GATE, release: str = RELEASE) -> Outcome:
    """Return what one rule says."""
    return {rule.name: rule.outcome for rule in rules(seen, gate, release)}[name]


@pytest.mark.parametrize(
    ("name", "good", "bad"),
    [
        ("p50", sample(fast=10.0), sample(fast=10.1)),
        ("p95", sample(slow=25.0, slow_share=0.05), sample(slow=25.0, slow_share=0.051)),
        ("p99", sample(slow=99.0, slow_share=0.01), sample(slow=99.0, slow_share=0.011)),
        ("errors", sample(failed=10), sample(failed=11)),
        ("rate", sample(seconds=12.5), sample(seconds=12.6)),
        ("identity", sample(), sample(releases={RELEASE: 999, OTHER: 1})),
    ],
)
def test_each_rule_passes_and_fails_alone(name: str, good: LoadSample, bad: LoadSample) -> None:
    assert judge(good, GATE, RELEASE).outcome is Outcome.PASS
    verdict = judge(bad, GATE, RELEASE)
    assert [rule.name for rule in verdict.failed] == [name]
    (failed,) = verdict.failed
    assert failed.next_step
    assert failed.observed is not None and failed.limit is not None


def test_a_failure_says_both_numbers_and_what_failed() -> None:
    slow, broken = judge(sample(slow=25.0, slow_share=0.06), GATE), judge(sample(failed=20), GATE)
    assert slow.failed[0].reason == "p95 is 25 ms, above the limit 20"
    assert broken.failed[0].reason == "share of failed requests is 0.02, above the limit 0.01"
    assert "20 × HTTP 500" in broken.failed[0].next_step


@pytest.mark.parametrize("requests", [0, 1, 199])
def test_fewer_than_min_requests_is_inconclusive(requests: int) -> None:
    verdict = judge(sample(requests=requests, seconds=requests / 100), GATE, RELEASE)
    assert verdict.outcome is Outcome.INCONCLUSIVE
    assert {"p50", "p95", "p99", "errors", "rate"} <= set(verdict.not_judged)
    assert judge(sample(requests=200, seconds=2.0), GATE, RELEASE).outcome is Outcome.PASS


def test_no_traffic_is_never_a_pass_no_matter_what_is_required() -> None:
    empty = sample(requests=0, seconds=0.0, releases={})
    for gate in (GATE, GATE.model_copy(update={"required": ()}), BenchmarkGate(rules=("rate",), required=())):
        assert judge(empty, gate, RELEASE).outcome is Outcome.INCONCLUSIVE


def test_errors_fail_though_few_where_no_number_of_good_answers_could_mend_it() -> None:
    """Two failures in 200 are 1 %: allowed; three are not, whatever the other requests would have brought."""
    assert outcome("errors", sample(requests=50, failed=2)) is Outcome.INCONCLUSIVE
    assert outcome("errors", sample(requests=50, failed=3)) is Outcome.FAIL


def test_a_service_that_fails_every_request_fails_and_its_latency_is_not_judged() -> None:
    verdict = judge(sample(failed=1000), GATE, RELEASE)
    assert verdict.outcome is Outcome.FAIL
    assert {"p50", "p95", "p99"} <= set(verdict.not_judged)


def test_without_an_intended_rate_the_rate_is_not_judged_and_not_required() -> None:
    verdict = judge(sample(intended=0.0), GATE, RELEASE)
    assert verdict.not_judged == ("rate",)
    assert verdict.outcome is Outcome.PASS
    required = GATE.model_copy(update={"required": ("rate",)})
    assert judge(sample(intended=0.0), required, RELEASE).outcome is Outcome.INCONCLUSIVE


def test_answers_that_name_no_release_prove_nothing_of_it() -> None:
    assert judge(sample(releases={}), GATE, RELEASE).outcome is Outcome.INCONCLUSIVE
    assert judge(sample(releases={}), GATE).outcome is Outcome.PASS


def test_only_the_rules_of_the_gate_run_and_required_ones_say_so() -> None:
    gate = BenchmarkGate(rules=("p99", "errors"), required=("errors",))
    said = rules(sample(), gate, RELEASE)
    assert [(rule.name, rule.required) for rule in said] == [("p99", False), ("errors", True)]


def test_every_rule_that_settings_know_exists() -> None:
    assert set(benchmark.RULES) == set(BenchmarkGate().rules)


def test_the_verdict_carries_figures_plots_and_what_was_judged() -> None:
    verdict = judge(sample(failed=3), GATE, RELEASE, {"release": RELEASE})
    assert (verdict.stage, verdict.judged) == ("benchmark", {"release": RELEASE})
    assert verdict.metrics["p95_ms"] == 5.0
    assert (verdict.metrics["requests"], verdict.metrics["errors"], verdict.metrics["rate"]) == (1000, 3, 99.7)
    assert [plot.kind for plot in verdict.plots] == ["line", "bar", "table"]
    assert "on a schedule of 100 requests/s" in verdict.notes[0]
    assert judge(sample(requests=0, seconds=0, releases={}), GATE).plots == ()


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Return a folder with settings, a schema and a sample."""
    (tmp_path / "pipeline.toml").write_text(
        '[project]\nname = "tiny"\n[data]\nschema = "schema.json"\ntarget = "late"\n'
        "[gates.benchmark]\nmax_p95_ms = 20.0\n[environments.staging]\nport = 8101\n"
    )
    (tmp_path / "schema.json").write_text('{"columns": ["late"]}')
    (tmp_path / "sample.json").write_text(sample().model_dump_json())
    return tmp_path


def run(project: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the command in a folder."""
    environment = {name: value for name, value in os.environ.items() if name != "GITHUB_STEP_SUMMARY"}
    argv = [sys.executable, "-m", "validation.benchmark", *arguments]
    return subprocess.run(
        argv, cwd=project, env=environment | {"PYTHONPATH": str(ROOT)}, capture_output=True, text=True, timeout=60
    )


def test_the_command_judges_records_and_reports(project: Path) -> None:
    from gateline.registry.store import Store
    from gateline.registry.verdicts import Verdicts

    done = run(project, "--sample", "sample.json", "--release", RELEASE)
    assert done.returncode == 0, done.stderr
    assert "✓ Benchmark: passed" in done.stdout
    written = Verdict.model_validate_json((project / "reports" / "benchmark" / "verdict.json").read_bytes())
    settings = load(project / "pipeline.toml", {})
    store = Store(str(project / ".gateline" / "registry"), settings.project.name)
    assert Verdicts(store).about("benchmark", "release", RELEASE) == written
    assert set(written.judged) == {"release", "profile", "limits", "sources", "schema"}


@pytest.mark.parametrize(
    ("seen", "code"),
    [(sample(fast=21.0), 1), (sample(requests=10, seconds=0.1), 3), (sample(releases={OTHER: 1000}), 1)],
)
def test_the_command_ends_with_the_code_of_the_outcome(project: Path, seen: LoadSample, code: int) -> None:
    (project / "sample.json").write_text(seen.model_dump_json())
    assert run(project, "--sample", "sample.json", "--release", RELEASE).returncode == code


def test_a_sample_that_is_absent_or_is_none_is_a_usage_error(project: Path) -> None:
    done = run(project, "--sample", "absent.json", "--release", RELEASE)
    assert (done.returncode, "absent.json: no such sample" in done.stderr) == (2, True)
    (project / "sample.json").write_text('{"requests": 1}')
    done = run(project, "--sample", "sample.json", "--release", RELEASE)
    assert (done.returncode, "sample.json: is no sample: url Field required" in done.stderr) == (2, True)


def test_the_inputs_change_with_limits_profile_and_schema(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(project)
    before = benchmark.inputs(load("pipeline.toml", {}), schema=Path("schema.json"))
    config = project / "pipeline.toml"
    config.write_text(config.read_text() + "[load]\nrate = 10.0\n")
    slower = benchmark.inputs(load("pipeline.toml", {}), schema=Path("schema.json"))
    assert (before["schema"], before["profile"] != slower["profile"]) == (slower["schema"], True)
    (project / "schema.json").write_text('{"columns": ["late", "x"]}')
    assert benchmark.inputs(load("pipeline.toml", {}), schema=Path("schema.json"))["schema"] != before["schema"]


def test_the_distribution_rises_to_nearly_all_and_leaves_the_slowest_to_the_note() -> None:
    latencies = [float(number) for number in range(1, 1000)] + [60_000.0]
    distribution, _ = plots(LoadSample.of("u", latencies, {}, 1.0), BenchmarkGate())
    (line,) = distribution.series
    shares = [share for share in line.y if share is not None]
    assert list(line.x) == sorted(line.x, key=float) and shares == sorted(shares)
    assert 0.98 < shares[-1] < 1 and max(map(float, line.x)) < 1000
    assert len(line.x) <= 400
    assert "the slowest took 60,000.0 ms" in distribution.note


def test_percentiles_stand_next_to_their_limits() -> None:
    _, bars = plots(LoadSample.of("u", [5.0] * 100, {}, 1.0), BenchmarkGate(max_p95_ms=20.0))
    assert [(series.name, series.y) for series in bars.series] == [
        ("observed", (5.0, 5.0, 5.0)),
        ("limit", (100.0, 20.0, 500.0)),
    ]


def test_failures_are_listed_with_their_share() -> None:
    *_, table = plots(LoadSample.of("u", [5.0] * 100, {"HTTP 500": 3}, 1.0), BenchmarkGate())
    assert (table.kind, table.cells) == ("table", (("HTTP 500", 3, "3.00%"),))


def test_one_request_has_plots_too() -> None:
    assert len(plots(LoadSample.of("u", [5.0], {}, 1.0), BenchmarkGate())) == 2
