"""The gate on data: real files in, verdicts and exit codes out."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from gateline.contracts.verdict import ASKED, Outcome
from gateline.registry.store import Store
from gateline.registry.verdicts import Verdicts
from gateline.rows import sources, streaming
from gateline.settings import DataGate
from gateline.settings.errors import OutsideError, UsageError
from gateline.settings.front_door import front_door
from tests.validation.weather import failed, frame, schema, verdict, write
from validation.data.__main__ import main
from validation.data.gate import DataTask, run

ROOT = Path(__file__).parents[3]
Change = Callable[[pd.DataFrame], pd.DataFrame]


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    return write(frame(), tmp_path / "train.csv"), write(frame(part=1), tmp_path / "test.csv")


def test_good_data_passes_every_rule(files: tuple[Path, Path]) -> None:
    found = verdict(*files)
    assert found.outcome is Outcome.PASS and found.not_judged == () and found.exit_code == 0
    assert {rule.name for rule in found.rules} == set(DataGate().rules)
    assert {rule.name for rule in found.rules if rule.required} == set(DataGate().required)


def every_tenth(data: pd.DataFrame, share: float = 0.02) -> pd.Series[bool]:
    return pd.Series(np.arange(len(data)) % int(1 / share) == 3, index=data.index)


FAULTS: dict[str, tuple[str, Change]] = {
    "numbers become strings": ("dtype", lambda d: d.assign(warmth=d["warmth"].astype("str") + " C")),
    "2 % times 1000": ("range", lambda d: d.assign(pressure=d["pressure"].mask(every_tenth(d), d["pressure"] * 1000))),
    "nulls from 0 to 8 %": ("nulls", lambda d: d.assign(warmth=d["warmth"].mask(every_tenth(d, 0.08)))),
    "-999 for missing": ("sentinel", lambda d: d.assign(gusts=d["gusts"].mask(every_tenth(d), -999))),
    "two columns swapped": ("column_swap", lambda d: d.assign(warmth=d["pressure"], pressure=d["warmth"])),
    "a new category in 3 %": ("category", lambda d: d.assign(sky=d["sky"].mask(every_tenth(d, 0.03), "hail"))),
    "a broken code": ("pattern", lambda d: d.assign(station=d["station"].str.lower())),
    "duplicate keys": ("unique", lambda d: d.assign(reading=d["reading"].mask(every_tenth(d), 4))),
    "repeated rows": ("unique", lambda d: pd.concat([d, d[:30]])),
    "too few rows": ("row_count", lambda d: d[:50]),
    "a column renamed": ("columns", lambda d: d.rename(columns={"night": "nite"})),
    "rows of train": ("leak.rows", lambda d: pd.concat([d[:950], frame()[:50].assign(reading=range(5000, 5050))])),
    "a group of train": ("leak.group", lambda d: d.assign(station=d["station"].mask(every_tenth(d), "SA-001"))),
    "rows before train's": ("leak.time", lambda d: d.assign(taken=d["taken"] - pd.Timedelta(days=400))),
    "the target with noise": (
        "leak.target",
        lambda d: d.assign(warmth=d["rain"] * 10 + np.random.default_rng(1).normal(0, 1, len(d))),
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_in_the_test_data_fails_its_rule(files: tuple[Path, Path], fault: str) -> None:
    rule, change = FAULTS[fault]
    write(change(frame(part=1)), files[1])
    found = verdict(*files)
    assert found.outcome is Outcome.FAIL and found.exit_code == 1
    assert rule in failed(found)
    assert all(entry.next_step and str(files[1].parent) in entry.reason for entry in found.failed)


BENIGN: dict[str, Change] = {
    "columns in another order": lambda d: d[list(d.columns[::-1])],
    "an extra nullable column": lambda d: d.assign(remark=None),
    "20 % fewer rows": lambda d: d[:800],
    "nulls within the limit": lambda d: d.assign(gusts=d["gusts"].mask(every_tenth(d, 0.05))),
    "a little drift": lambda d: d.assign(warmth=d["warmth"] + 1),
}


@pytest.mark.parametrize("change", BENIGN)
def test_a_benign_change_passes(files: tuple[Path, Path], change: str) -> None:
    write(BENIGN[change](frame(part=1)), files[1])
    assert verdict(*files, declared=schema(extra_columns="allow")).outcome is Outcome.PASS


def test_20_percent_more_rows_pass(files: tuple[Path, Path]) -> None:
    write(frame(1200, part=1), files[1])
    assert verdict(*files).outcome is Outcome.PASS


@pytest.mark.parametrize("cut", [0, 0.5])
def test_half_a_file_and_an_empty_file_fail(files: tuple[Path, Path], cut: float) -> None:
    data = files[1].read_bytes()
    files[1].write_bytes(data[: int(cut * len(data))])
    found = verdict(*files)
    assert "format" in failed(found) and found.exit_code == 1


def test_only_the_chosen_rules_run(files: tuple[Path, Path]) -> None:
    gate = DataGate(rules=("nulls", "unique"), required=("nulls",))
    assert [rule.name for rule in verdict(*files, gate=gate).rules] == ["nulls", "unique"]


def test_a_rule_with_nothing_declared_is_named_and_holds_only_where_required(files: tuple[Path, Path]) -> None:
    bare = schema(group="")
    assert verdict(*files, declared=bare).not_judged == ("leak.group",)
    assert verdict(*files, declared=bare).outcome is Outcome.PASS
    gate = DataGate(required=("format", "leak.group"))
    assert verdict(*files, declared=bare, gate=gate).outcome is Outcome.INCONCLUSIVE


def test_values_of_private_columns_are_nowhere_in_the_verdict(files: tuple[Path, Path]) -> None:
    write(frame(part=1).assign(pressure=778877.5, serial="Jane Doe", station="SA-001"), files[1])
    text = verdict(*files).model_dump_json()
    assert "778877" not in text and "Jane" not in text and "SA-001" not in text


def test_plots_show_nulls_rows_and_ranges(files: tuple[Path, Path]) -> None:
    nulls, rows, ranges = verdict(*files).plots
    assert [series.name for series in nulls.series] == ["train", "test", "limit"] and nulls.series[2].y[3] == 10.0
    assert rows.series[0].y == (1000.0, 1000.0)
    cells = dict(zip(ranges.rows, ranges.cells))
    assert cells["warmth"][:2] == (-30.0, 45.0) and isinstance(cells["warmth"][2], float)
    assert cells["pressure"][2:] == ("not public",) * 4 and cells["reading"][:2] == ("–", "–")


def task(files: tuple[Path, Path], folder: Path, gate: DataGate | None = None) -> DataTask:
    urls = {"train": str(files[0]), "test": str(files[1])}
    return DataTask(urls, schema(), gate or DataGate(), Verdicts(Store(str(folder / "registry"), "weather")))


def test_an_equal_judgement_is_reused(files: tuple[Path, Path], tmp_path: Path) -> None:
    first, second = (run(task(files, tmp_path)) for _ in range(2))
    assert not first.recorded and second.recorded
    assert second.found and second.model_copy(update={"recorded": False, "found": ""}) == first
    assert not run(task(files, tmp_path), fresh=True).recorded


def test_rows_that_change_while_they_are_judged_get_no_verdict(
    files: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for path in files:
        os.utime(path, (1e9, 1e9))
    monkeypatch.setattr(sources, "KEPT_OF_DISK", 0)  # as for a large file
    before = task(files, tmp_path)
    stream = streaming.Stream

    def exchanged(rows: str) -> streaming.Stream:
        write(frame()[:50], files[0])
        return stream(rows)

    monkeypatch.setattr(streaming, "Stream", exchanged)
    with pytest.raises(OutsideError, match=f"{files[0]} changed while it was read"):
        run(before)
    assert before.verdicts is not None and before.verdicts.all("validate_data") == []


def test_other_rows_limits_or_schema_are_judged_again(files: tuple[Path, Path], tmp_path: Path) -> None:
    run(task(files, tmp_path))
    assert not run(task(files, tmp_path, DataGate(min_rows=200))).recorded
    other = DataTask(task(files, tmp_path).urls, schema(sky={"nullable": 0.5}), DataGate(), task(files, tmp_path).verdicts)
    assert not run(other).recorded
    write(frame(seed=2), files[0])
    assert not run(task(files, tmp_path)).recorded


def test_half_the_rows_that_passed_before_fail_cleanly_cut_or_not(files: tuple[Path, Path], tmp_path: Path) -> None:
    assert run(task(files, tmp_path)).outcome is Outcome.PASS
    write(frame(500), files[0])
    found = run(task(files, tmp_path))
    assert failed(found) == {"row_count"} and "50 % of the 1000" in found.failed[0].reason
    assert run(task(files, tmp_path)).recorded
    write(frame(900), files[0])
    assert run(task(files, tmp_path)).outcome is Outcome.PASS


def test_data_that_failed_is_no_measure_for_later_rows(files: tuple[Path, Path], tmp_path: Path) -> None:
    write(frame(50), files[0])
    assert run(task(files, tmp_path)).outcome is Outcome.FAIL
    write(frame(110), files[0])
    assert run(task(files, tmp_path)).outcome is Outcome.PASS


@pytest.fixture
def project(files: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "weather.json").write_text(json.dumps(schema(target="", time="", group="").dump()))
    (tmp_path / "pipeline.toml").write_text(
        '[project]\nname = "weather"\n[data]\ntrain = "train.csv"\ntest = "test.csv"\nschema = "weather.json"\n'
        'target = "rain"\ntime = "taken"\ngroup = "station"\n[environments.staging]\nport = 8911\n'
    )
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("GITHUB_STEP_SUMMARY", raising=False)
    return tmp_path


@pytest.fixture
def command(project: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., int]:
    def call(*arguments: str) -> int:
        monkeypatch.setattr("sys.argv", ["validation.data", *arguments])
        return front_door(main)

    return call


def written(project: Path) -> dict[str, object]:
    body = json.loads((project / "reports/validate_data/verdict.json").read_text())
    assert isinstance(body, dict)
    return body


def test_without_flags_train_and_test_of_the_settings_are_judged(command: Callable[..., int], project: Path) -> None:
    assert command() == 0
    body = written(project)
    assert body["outcome"] == "pass" and body["recorded"] is False
    assert isinstance(body["judged"], dict) and {"train", "test", "schema", "settings", "sources"} <= set(
        body["judged"]
    )
    assert (project / "reports/validate_data/index.html").exists()
    assert command() == 0 and written(project)["recorded"] is True
    assert command("--fresh") == 0 and written(project)["recorded"] is False


def test_a_fault_ends_with_one_and_a_hold_with_three(command: Callable[..., int], project: Path) -> None:
    write(frame().assign(sky="hail"), project / "train.csv")
    assert command() == 1 and written(project)["outcome"] == "fail"
    write(frame(), project / "train.csv")
    with (project / "pipeline.toml").open("a") as stream:
        stream.write('[gates.data]\nrules = ["leak.group"]\nrequired = ["leak.group"]\n')
    assert command("--data-path", "train.csv") == 3


def test_a_verdict_by_other_settings_lets_no_release_in(command: Callable[..., int], project: Path) -> None:
    shutil.copyfile(project / "pipeline.toml", project / "lax.toml")
    assert command("--config", "lax.toml") == 0 and ASKED in str(written(project)["judged"])
    assert command("--config", "pipeline.toml") == 0 and ASKED not in str(written(project)["judged"])


def test_one_file_by_flags_needs_no_settings(command: Callable[..., int], project: Path) -> None:
    (project / "pipeline.toml").unlink()
    assert command("--data-path", "train.csv", "--schema", "weather.json") == 0
    assert command("--data-path", "train.csv", "--test-data", "test.csv", "--schema", "weather.json") == 0
    assert not (project / ".gateline").exists()


def test_another_schema_takes_the_roles_it_declares(command: Callable[..., int], project: Path) -> None:
    (project / "other.json").write_text('{"columns": ["a", "rain"], "dtypes": {"a": "int64", "rain": "int64"}}')
    pd.DataFrame({"a": range(200), "rain": [0, 1, 1, 0] * 50}).to_csv(project / "other.csv", index=False)
    assert command("--data-path", "other.csv", "--schema", "other.json") == 0


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--data-path", "none.csv"), "none.csv: no such data file"),
        (("--data-path", "train.csv", "--schema", "none.json"), "none.json: no such schema file"),
        (("--config", "none.toml"), "none.toml: no such settings file"),
        (("--config", "none.toml", "--data-path", "train.csv"), "none.toml: no such settings file"),
    ],
)
def test_bad_usage_ends_with_two(
    command: Callable[..., int], capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], said: str
) -> None:
    assert command(*arguments) == 2
    assert said in capsys.readouterr().err


def test_a_wrong_target_in_the_settings_ends_with_two(
    command: Callable[..., int], project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = project / "pipeline.toml"
    path.write_text(path.read_text().replace('"rain"', '"rian"'))
    assert command() == 2
    assert "did you mean 'rain'" in capsys.readouterr().err


def test_test_data_alone_is_refused(command: Callable[..., int]) -> None:
    with pytest.raises(SystemExit) as ended:
        command("--test-data", "test.csv")
    assert ended.value.code == 2


def test_nothing_to_judge_is_refused() -> None:
    with pytest.raises(UsageError):
        run(DataTask({"data": "none.csv"}, schema(), DataGate(), None))


def test_the_example_passes_and_is_reused_without_pandas(tmp_path: Path) -> None:
    code = (
        "import sys; from validation.data.gate import DataTask, run; from gateline.contracts.schema import load;"
        "from gateline.settings import DataGate;"
        "from gateline.registry.store import Store; from gateline.registry.verdicts import Verdicts;"
        f"root = {str(ROOT)!r}; schema = load(root + '/data/schema.json').with_roles(target='late', time='time_hour');"
        "urls = {'train': root + '/data/train.csv', 'test': root + '/data/test.csv'};"
        f"found = run(DataTask(urls, schema, DataGate(), Verdicts(Store({str(tmp_path)!r}, 'flights'))));"
        "print(found.outcome, found.recorded, *sorted({'pandas', 'scipy', 'sklearn'} & set(sys.modules)))"
    )
    said = [
        subprocess.run(
            [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
        ).stdout.split()
        for _ in range(2)
    ]
    assert said == [["pass", "False"], ["pass", "True"]]


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc: the other way counts what the parent held")
def test_five_times_the_rows_take_the_same_memory(tmp_path: Path) -> None:
    header, *rows = (ROOT / "data/train.csv").read_text(encoding="utf-8").splitlines(keepends=True)
    code = (
        "import re, sys; from validation.data.gate import judge; from gateline.contracts.schema import load;"
        "from gateline.rows.streaming import Stream; from gateline.settings import DataGate;"
        f"root = {str(ROOT)!r}; schema = load(root + '/data/schema.json').with_roles(target='late', time='time_hour');"
        "print(judge(Stream(sys.argv[1]), Stream(root + '/data/test.csv'), schema, DataGate()).metrics['rows.train'],"
        " re.search('VmHWM: *([0-9]+)', open('/proc/self/status').read().replace('\\t', ' '))[1])"
    )
    peaks = []
    for times in (8, 40):
        path = tmp_path / f"{times}.csv"
        path.write_text(header + "".join(rows) * times, encoding="utf-8")
        done = subprocess.run([sys.executable, "-c", code, path], cwd=ROOT, capture_output=True, text=True, check=True)
        assert float(done.stdout.split()[0]) == 30_000 * times
        peaks.append(int(done.stdout.split()[1]))
    assert peaks[1] < 1.3 * peaks[0], peaks
