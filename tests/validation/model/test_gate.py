"""The gate on a model, from the command line to the verdict: pass, fail, inconclusive, recorded, refused."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from gateline.contracts.event import DEPLOYED, PACKAGED, Event
from gateline.contracts.files import place
from gateline.contracts.verdict import ASKED, Outcome, Verdict
from gateline.registry.artifacts import CANDIDATE, CHAMPION
from gateline.registry.audit import AuditLog
from gateline.registry.store import Store
from gateline.registry.verdicts import Verdicts
from gateline.settings import Settings, load
from gateline.settings.errors import UsageError
from tests.training.example import artifacts_of, command, copy_of_project, project, trained
from tests.validation.conftest import Small
from tests.validation.scores import evidence, noisy
from tests.validation.trained import stored_again
from validation.model import gate
from validation.model.__main__ import main
from validation.model.artifacts import contender_of


@pytest.fixture
def folder(small: Small, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Stand in a small project with a candidate, trained once for all tests."""
    settings, (before, result) = load(project(tmp_path)), small("binary")
    shutil.copytree(before.registry.url, settings.registry.url)
    artifacts_of(settings).point(CANDIDATE, result.manifest.identity)
    monkeypatch.chdir(tmp_path)
    for name in ("GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


def verdict() -> Verdict:
    return Verdict.model_validate_json(Path("reports/validate_model/verdict.json").read_text())


def outcomes() -> dict[str, str]:
    return {
        f"{rule.name}:{rule.subject}" if rule.name == "limits" else rule.name: str(rule.outcome)
        for rule in verdict().rules
    }


def champion(folder: Path, **changes: Any) -> Settings:
    """Put another model in production: one that sees little of the data."""
    model = {"estimator": "sklearn.tree.DecisionTreeClassifier", "parameters": {"min_samples_leaf": 15}} | changes
    settings = load(project(folder, model=model))
    artifacts_of(settings).point(CHAMPION, trained(settings).manifest.identity)
    return load(project(folder))


def test_the_first_model_passes_and_is_recorded_as_such(folder: Path) -> None:
    assert main([]) == 0
    assert outcomes() == {
        "limits:accuracy": "pass",
        "baseline": "pass",
        "champion_digest": "inconclusive",
        "noninferiority": "inconclusive",
        "golden": "pass",
        "too_good": "pass",
    }
    found, identity = verdict(), artifacts_of(load()).resolve(CANDIDATE)
    assert found.judged["artifact"] == identity and found.judged["champion"] == "none"
    assert any("first model" in note for note in found.notes)
    recorded = Verdicts(Store.of(load())).about("validate_model", "artifact", identity)
    assert recorded is not None and recorded.outcome is Outcome.PASS
    assert [plot.title for plot in found.plots] == [
        "Metrics on the test rows",
        "Confusion matrix",
        "ROC",
        "Calibration",
    ]
    assert Path("reports/validate_model/index.html").is_file()


def test_without_scikit_learn_nothing_is_judged_here(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sklearn", None)
    with pytest.raises(ModuleNotFoundError, match="sklearn"):  # the front door goes on where it is
        main([])
    assert not Path("reports/validate_model").exists()


def test_an_alias_that_is_gone_does_not_make_the_next_model_the_first(folder: Path) -> None:
    assert main([]) == 0
    settings = load()
    release = {"version": "v1", "artifact": "a" * 64}
    served = Event(id="1", source="/p/production", type=DEPLOYED, time="2026-01-02T00:00:00Z", data={"release": release})
    AuditLog(Store.of(settings)).append(served)
    assert main([]) == 3, "the verdict on a first model is not found again"
    (rule,) = [rule for rule in verdict().rules if rule.name == "noninferiority"]
    assert rule.required and "v1 was brought into production" in rule.reason and "no alias 'champion'" in rule.reason
    assert rule.next_step.startswith("invoke up --env=production") and outcomes()["champion_digest"] == "inconclusive"
    digest = rule.next_step.rpartition("--accept-champion=")[2].partition(";")[0]
    assert main([f"--accept-champion={digest}"]) == 0
    artifacts_of(settings).point(CHAMPION, artifacts_of(settings).resolve(CANDIDATE))
    assert main([]) == 0 and "the candidate is the champion" in verdict().notes


def test_a_head_that_this_machine_keeps_shows_that_a_log_was_cut(folder: Path) -> None:
    settings = load()
    log = AuditLog(Store.of(settings))
    event = Event(id="1", source="/p/build", type=PACKAGED, time="2026-01-02T00:00:00Z")
    _, head = log.append(event), log.append(event)
    place({folder / ".gateline/build/audit-head.json": head.model_dump_json()})
    assert main([]) == 0
    next(Path(settings.registry.url).rglob("audit/00000002.json")).unlink()
    assert main([]) == 3
    place({folder / ".gateline/build/audit-log.json": "elsewhere another"})
    assert main([]) == 0, "the head is of another registry's log"


def test_a_verdict_by_other_settings_lets_no_release_in(folder: Path) -> None:
    text = (folder / "pipeline.toml").read_text()
    (folder / "lax.toml").write_text(text.replace("min_accuracy = 0.6", "min_accuracy = 0.1"))
    verdicts = Verdicts(Store.of(load()))
    assert main(["--config", "lax.toml"]) == 0
    assert len(verdicts.all(gate.STAGE)) == 1 and verdicts.counting(gate.STAGE) == []
    assert main(["--config", str(folder / "pipeline.toml")]) == 0
    assert len(verdicts.counting(gate.STAGE)) == 1


@pytest.mark.parametrize(
    ("file", "change", "told"),
    [
        ("pipeline.toml", ("seed = 7", "seed = 8"), "model.seed was 7, is 8"),
        ("schema.json", ('"maximum": 9', '"maximum": 10'), "schema.json says otherwise than it did"),
        ("train.csv", ("\n", "\n2026-01-01T00:00:00Z,1.5,3,red,True,1\n"), "the rows of data.train changed since"),
        ("test.csv", ("\n", "\n2026-01-01T00:00:00Z,1.5,3,red,True,1\n"), "the rows of data.test changed since"),
    ],
)
def test_an_older_candidate_is_not_judged_as_if_it_were_this_one(
    folder: Path, file: str, change: tuple[str, str], told: str
) -> None:
    path = folder / file
    before = path.read_text()
    path.write_text(before.replace(*change, 1))
    assert path.read_text() != before
    with pytest.raises(UsageError, match="is older, and not what would be trained now: ") as raised:
        main([])
    assert told in raised.value.message and "nox -s train" in raised.value.next_step
    version = raised.value.next_step.rpartition(" ")[2]
    artifacts = artifacts_of(load())
    place({folder / "handed" / name: data for name, data in artifacts.files(artifacts.resolve(CANDIDATE)).items()})
    with pytest.raises(UsageError, match="is older, and not what would be trained now: "):
        main(["--model", "handed"])
    assert main(["--model", version]) in (0, 3)
    path.write_text(before)
    assert main([]) == 0


def test_a_candidate_of_other_code_of_the_models_is_older(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("validation.model.__main__.own_code", lambda: [{"features.py": "0" * 64}])
    with pytest.raises(UsageError, match="model/ changed since"):
        main([])


def test_rows_named_on_the_command_line_may_be_others(folder: Path) -> None:
    (folder / "other.csv").write_text((folder / "test.csv").read_text().rpartition("\n2026")[0] + "\n")
    assert main(["--test-data", "other.csv"]) == 0


def test_required_rules_are_marked_and_the_rest_is_not(folder: Path) -> None:
    main([])
    assert {rule.name for rule in verdict().rules if rule.required} == {"limits", "baseline", "golden"}


def test_a_limit_that_is_missed_fails_with_both_numbers(folder: Path) -> None:
    assert main(["--min-accuracy", "0.99"]) == 1
    (rule,) = [rule for rule in verdict().rules if rule.outcome is Outcome.FAIL]
    assert (rule.name, rule.subject, rule.limit) == ("limits", "accuracy", 0.99)
    assert rule.observed == verdict().metrics["accuracy"]


def test_flags_limit_every_metric_in_both_spellings(folder: Path) -> None:
    assert main(["--min-roc-auc", "0.5", "--max_log_loss", "9", "--min_recall_at_fpr", "0.01"]) == 0
    limited = {rule.subject: rule.limit for rule in verdict().rules if rule.name == "limits"}
    assert limited == {"accuracy": 0.6, "roc_auc": 0.5, "log_loss": 9.0, "recall_at_fpr": 0.01}


def test_too_few_rows_stop_the_pipeline(folder: Path) -> None:
    pd.read_csv("test.csv").head(150).to_csv("few.csv", index=False)
    assert main(["--test-data", "few.csv"]) == 3
    assert outcomes()["limits:accuracy"] == outcomes()["baseline"] == "inconclusive"


def test_no_limit_stops_the_pipeline(folder: Path) -> None:
    Path("pipeline.toml").write_text(Path("pipeline.toml").read_text().replace("min_accuracy = 0.6", "margin = 0.02"))
    assert main([]) == 3
    assert verdict().not_judged[0] == "limits"


def test_an_equal_verdict_is_reused_and_fresh_judges_again(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert main([]) == 0
    judged: list[str] = []
    real = gate._judge

    def counted(*arguments: Any) -> Verdict:
        judged.append("judged")
        return real(*arguments)

    monkeypatch.setattr(gate, "_judge", counted)
    assert main([]) == 0
    assert judged == [] and verdict().recorded
    assert main(["--fresh"]) == 0
    assert judged == ["judged"] and not verdict().recorded


@pytest.mark.parametrize("change", ["limit", "rows", "champion", "file"])
def test_all_that_was_judged_makes_a_new_verdict_when_it_changes(folder: Path, change: str) -> None:
    main([])
    if change == "rows":
        pd.read_csv("test.csv").head(500).to_csv("fewer.csv", index=False)
    if change == "champion":
        champion(folder, parameters={"min_samples_leaf": 20})
    if change == "file":
        next(Path("store").rglob("golden.json")).write_bytes(b"{}")
    main({"limit": ["--min-accuracy", "0.61"], "rows": ["--test-data", "fewer.csv"]}.get(change, []))
    assert not verdict().recorded


def test_an_equal_champion_is_compared_and_passes(folder: Path) -> None:
    champion(folder, parameters={"min_samples_leaf": 16})
    assert main([]) == 0
    assert outcomes()["champion_digest"] == outcomes()["noninferiority"] == "pass"
    assert verdict().metrics["champion_accuracy"] > 0.5
    table = Path("reports/validate_model/metrics.md").read_text()
    assert table.startswith("| metric | candidate | champion 2") and "| accuracy | 0." in table and "| ≥ 0.6 |" in table
    assert any(note.startswith("champion 2") and "accuracy 0." in note for note in verdict().notes)


def test_a_much_worse_candidate_fails_against_the_champion_and_not_without_one(folder: Path) -> None:
    champion(folder)
    settings = load(project(folder, model={"parameters": {"max_depth": 1}}))
    artifacts_of(settings).point(CANDIDATE, trained(settings).manifest.identity)
    assert main([]) == 1
    assert [rule.name for rule in verdict().failed] == ["noninferiority"]
    assert main(["--champion", "none"]) == 0


def test_the_candidate_that_is_the_champion_passes_alone_and_holds_where_it_is_asked_for(folder: Path) -> None:
    artifacts = artifacts_of(load())
    artifacts.point(CHAMPION, artifacts.resolve(CANDIDATE))
    assert main([]) == 0
    assert "the candidate is the champion" in verdict().notes
    assert main(["--champion", CHAMPION]) == 3
    assert verdict().not_judged == (
        "champion_digest(" + verdict().notes[0].split()[1] + ")",
        "noninferiority(accuracy)",
    )


def test_a_champion_of_other_libraries_holds_the_pipeline_until_its_digest_is_given(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    artifacts = artifacts_of(load())
    files = artifacts.files(artifacts.resolve(CANDIDATE))
    old = stored_again(artifacts, files, "old", libraries={"scikit-learn": "0.1"}, files={"model.skops": b"other"})
    artifacts.point(CHAMPION, old)
    assert main([]) == 3
    (rule,) = [rule for rule in verdict().rules if rule.name == "noninferiority"]
    assert rule.required and rule.outcome == "inconclusive" and "scikit-learn 0.1" in rule.reason
    digest = rule.next_step.rpartition("--accept-champion=")[2].partition(";")[0]
    assert len(digest) == 64 and any("scikit-learn 0.1" in note for note in verdict().notes)
    assert main([f"--accept-champion={digest}"]) == 0
    assert f"champion {digest[:12]} was accepted by hand" in verdict().notes
    assert ASKED not in verdict().judged, "the verdict lets a release in"
    assert main([]) == 3, "what was accepted once is not accepted for good"
    with pytest.raises(UsageError, match="the champion's files have"):
        main([f"--accept-champion={digest[:12]}"])


def test_a_champion_is_accepted_by_the_settings_for_ci_and_no_other_is(folder: Path) -> None:
    artifacts = artifacts_of(load())
    files = artifacts.files(artifacts.resolve(CANDIDATE))
    old = stored_again(artifacts, files, "old", libraries={"scikit-learn": "0.1"}, files={"model.skops": b"other"})
    artifacts.point(CHAMPION, old)
    for digest, code in (("0" * 64, 3), (contender_of(old, artifacts).content, 0)):
        project(folder, gates__model={"accept_champion": digest})
        assert main([]) == code and ASKED not in verdict().judged


def test_a_flipped_byte_fails_by_the_rule_digest_even_after_a_pass(folder: Path) -> None:
    assert main([]) == 0
    stored = next(Path("store").rglob("model.skops"))
    data = bytearray(stored.read_bytes())
    data[100] ^= 1
    stored.write_bytes(data)
    assert main([]) == 1
    (rule,) = verdict().rules
    assert (rule.name, rule.outcome, rule.required) == ("digest", Outcome.FAIL, True)
    assert "model.skops" in rule.reason


def test_only_the_rules_of_the_settings_run() -> None:
    found = evidence(noisy(300, seed=1), gate={"rules": ("baseline", "golden"), "required": ("golden",)})
    assert [(rule.name, rule.required) for rule in gate.judge(found)] == [("baseline", False), ("golden", True)]


@pytest.mark.parametrize("kind", ["multiclass", "regression"])
def test_many_classes_and_numbers_are_judged(
    small: Small, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    _, result = small(kind)
    path = project(tmp_path, kind)
    artifacts = artifacts_of(load(path))
    files = {name: data for name, data in result.files.items() if name != "manifest.json"}
    artifacts.point(CANDIDATE, artifacts.add(result.manifest, files).identity)
    monkeypatch.chdir(tmp_path)
    assert main([]) == 0
    titles = [plot.title for plot in verdict().plots]
    assert titles[1:] == (
        ["Confusion matrix", "Classes", "ROC", "Calibration"]
        if kind == "multiclass"
        else ["Predicted against true", "Residuals"]
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--min-accuracy", "90"], "min_accuracy is 90; allowed: 0 to 1"),
        (["--min-mae", "1"], "'mae' is no metric of a classification model"),
        (["--min-acuracy", "0.9"], "unrecognized arguments: --min-acuracy"),
        (["--model", "m.pkl"], "m.pkl: no such file"),
        (["--model", "candidat"], "did you mean 'candidate'?"),
        (["--champion", "v9"], "model 'v9' is no alias"),
        (["--test-data", "nowhere.csv"], "nowhere.csv: no such data file"),
        (["--test-data", "empty.csv"], "empty.csv"),
        (["--test-data", "ones.csv"], "ones.csv: all"),
        (["--config", "nowhere.toml"], "nowhere.toml: no such settings file"),
        (["--config", "bad.toml"], "bad.toml: is not TOML"),
    ],
)
def test_bad_usage_ends_with_2_and_a_word_on_what_to_do(
    folder: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], message: str
) -> None:
    from gateline.settings.front_door import front_door

    table = pd.read_csv("test.csv")
    table[table["y"] == 1].to_csv("ones.csv", index=False)
    Path("empty.csv").touch()
    Path("bad.toml").write_text("[project\n")
    try:
        code = front_door(lambda: main(arguments))
    except SystemExit as stopped:
        code = int(stopped.code or 0)
    said = capsys.readouterr().err
    assert code == 2 and message in said
    assert not Path("reports/validate_model").exists()


@pytest.mark.slow
def test_a_recorded_verdict_comes_without_pandas_and_scikit_learn(tmp_path: Path) -> None:
    folder = copy_of_project(tmp_path)
    assert command(folder, "training").returncode == 0
    assert command(folder, "validation.model").returncode == 0
    code = (
        "import sys; from validation.model.__main__ import main; code = main([])\n"
        "print(code, sorted({'pandas', 'sklearn', 'scipy', 'skops', 'numpy'} & set(sys.modules)))"
    )
    (folder / "again.py").write_text(code)
    assert command(folder, "again").stdout.endswith("0 []\n")
    with (folder / "model" / "metrics.py").open("a") as stream:
        stream.write("\nUSED = 1\n")
    assert "model/ changed since" in command(folder, "validation.model").stderr
    manifest = json.loads((folder / ".gateline/candidate/manifest.json").read_text())
    done = command(folder, "validation.model", "--model", manifest["version"])
    assert json.loads((folder / "reports/validate_model/verdict.json").read_text())["recorded"] is False, done.stderr


def test_help_has_examples_and_needs_no_settings(tmp_path: Path) -> None:
    folder = copy_of_project(tmp_path)
    (folder / "pipeline.toml").unlink()
    done = command(folder, "validation.model", "--help")
    assert done.returncode == 0
    assert "--min-accuracy 0.85" in done.stdout and "exit codes" in done.stdout and "recall-at-fpr" in done.stdout
