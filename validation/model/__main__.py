"""The command line of the gate on a model.

pandas and scikit-learn are imported only when a model is judged: a recorded verdict and a usage error come without them.
"""

import argparse
from dataclasses import dataclass
from pathlib import Path

from gateline.contracts.digest import of_value
from gateline.contracts.files import place
from gateline.contracts.layout import heads_seen
from gateline.contracts.shaping import changed_since
from gateline.contracts.verdict import ASKED, Verdict, asked_by
from gateline.registry.artifacts import CANDIDATE, CHAMPION, Artifacts
from gateline.registry.audit import AuditLog, told_of
from gateline.registry.store import Store
from gateline.registry.verdicts import Verdicts
from gateline.rows.sources import data_digest, pinned
from gateline.settings import DEFAULT_PATH, METRICS, Settings, load
from gateline.settings.errors import UsageError
from gateline.settings.front_door import front_door
from validation.model.artifacts import ModelTask, Contender, champion_of, rows_of, contender_of
from validation.model.gate import own_code, run
from validation.model.limits import limits_of

EXAMPLES = """examples:
  python -m validation.model                                  the candidate, by the limits of pipeline.toml
  python -m validation.model --fresh                          judge again, even if nothing changed
  python -m validation.model --model candidate --test-data data/test.csv --min-accuracy 0.85
  python -m validation.model --model 20260101-1a2b3c4 --champion none
  python -m validation.model --model .gateline/candidate --min-roc-auc 0.9 --max-log-loss 0.4

exit codes: 0 pass, 1 a rule failed, 2 bad settings or usage, 3 inconclusive"""


@dataclass(frozen=True)
class Options:
    """What was asked for. `champion` and `test_url` are None where they were not named."""

    settings: Settings
    config: Path
    model: str
    test_url: str | None
    champion: str | None
    flags: dict[str, float]
    fresh: bool
    accepted: str = ""
    """Digest of the champion that somebody vouches for by hand."""

    @property
    def asked(self) -> str:
        """Digest of what stands in place of the settings; empty where nothing does."""
        rows = self.test_url if self.test_url != self.settings.data.test else None
        config = asked_by(self.config).get(ASKED)
        named = [("config", config), ("test", rows), ("champion", self.champion), *sorted(self.flags.items())]
        return of_value(named) if any(value is not None for _, value in named) else ""


def options(arguments: list[str] | None = None) -> Options:
    """Parse the command line; the settings are read first, because they name the metrics that can be limited.

    Raises UsageError for settings that are not good; exits with 2 for arguments that are not.
    """
    early = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    early.add_argument("--config", type=Path, default=DEFAULT_PATH)
    early.add_argument("-h", "--help", action="store_true")
    first, _ = early.parse_known_args(arguments)
    if first.help and not first.config.is_file():
        _parser(tuple(METRICS)).parse_args(["--help"])
    settings = load(first.config)
    names = (*METRICS, *settings.metrics.custom_names())
    parsed = _parser(names).parse_args(arguments)
    keys = [f"{bound}_{name}" for name in names for bound in ("min", "max")]
    flags = {key: value for key in keys if (value := getattr(parsed, key)) is not None}
    accepted = parsed.accept_champion
    return Options(settings, first.config, parsed.model, parsed.test_data, parsed.champion, flags, parsed.fresh, accepted)


def task_of(chosen: Options, store: Store) -> ModelTask:
    """Return who is judged against whom. Raises UsageError for a model, a champion or a limit that cannot be."""
    settings, artifacts = chosen.settings, Artifacts(store)
    limits = limits_of(settings.gates.model, settings.metrics, settings.project.task, chosen.flags)
    candidate = contender_of(chosen.model, artifacts)
    heads = heads_seen(settings, Path("."))
    champion = champion_of(chosen.champion or CHAMPION, artifacts, lambda: told_of(AuditLog(store), heads))
    if chosen.accepted and (champion is None or chosen.accepted != champion.content):
        here = f"the champion's files have {champion.content}" if champion else "there is no champion"
        advice = "give the whole digest of the champion that you know, or leave it out"
        raise UsageError(f"--accept-champion={chosen.accepted}: {here}", advice)
    listed = settings.gates.model.accept_champion
    return ModelTask(
        candidate=candidate,
        champion=champion,
        accepted=chosen.accepted or (listed if champion and champion.content == listed else ""),
        champion_asked=chosen.champion not in (None, "none"),
        test=pinned(chosen.test_url) if chosen.test_url else rows_of(candidate, settings.data.test),
        limits=limits,
        asked=chosen.asked,
    )


def _parser(metrics: tuple[str, ...]) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m validation.model",
        description="Judge a model by the limits of [gates.model], alone and against the champion.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    known = "alias, version, identity or artifact folder (default: %(default)s)"
    parser.add_argument("--model", metavar="MODEL", default=CANDIDATE, help=known)
    rows = "labelled rows to judge on (default: data.test of the settings; on S3, as the model was trained with it)"
    parser.add_argument("--test-data", metavar="URL", help=rows)
    champion = "what to compare with, or none (default: the alias champion)"
    parser.add_argument("--champion", metavar="MODEL", help=champion)
    config = "settings (default: %(default)s)"
    parser.add_argument("--config", metavar="FILE", type=Path, default=DEFAULT_PATH, help=config)
    vouch = "vouch for this champion: load it, or go on without a comparison where it cannot be loaded or scored"
    parser.add_argument("--accept-champion", metavar="DIGEST", default="", help=vouch)
    parser.add_argument("--fresh", action="store_true", help="judge again, even if a verdict is recorded")
    listed = ", ".join(name.replace("_", "-") for name in metrics)
    about = f"--min-<metric> X and --max-<metric> X replace those of [gates.model] for this run; metrics: {listed}"
    group = parser.add_argument_group("limits", about)
    for name in metrics:
        for bound in ("min", "max"):
            spellings = dict.fromkeys((f"--{bound}-{name.replace('_', '-')}", f"--{bound}_{name}"))
            group.add_argument(*spellings, dest=f"{bound}_{name}", type=float, metavar="X", help=argparse.SUPPRESS)
    return parser


def _refuse_older(candidate: Contender, settings: Settings, test_url: str | None) -> None:
    """Refuse the candidate of an earlier training, as one that failed leaves it: it is not what would be trained now.

    Rows of an object store move on while a candidate is judged; it is judged on the versions that it was trained with.
    """
    manifest = candidate.manifest
    if manifest is None:
        return
    changed = changed_since(manifest, settings)
    if manifest.inputs.get("model") not in [of_value(code) for code in own_code()]:
        changed.append("model/ changed since")
    for role, url in (("train", settings.data.train), ("test", settings.data.test)):
        given = role in manifest.objects or role == "test" and test_url is not None
        if not given and manifest.inputs.get(role) != data_digest(url):
            changed.append(f"the rows of data.{role} changed since")
    if changed:
        raise UsageError(
            f"the candidate {manifest.version} is older, and not what would be trained now: {'; '.join(changed)}",
            f"nox -s train; to judge it as it is: nox -s validate_model -- --model {manifest.version}",
        )


def markdown(verdict: Verdict) -> str:
    """Return the verdict's first table in Markdown, to paste into a pull request, or a line that there is none."""
    plot = next((plot for plot in verdict.plots if plot.kind == "table"), None)
    if plot is None:
        return f"No metrics: the verdict is {verdict.outcome}.\n"
    lines = [["metric", *plot.columns], ["---", *("---:" for _ in plot.columns)]]
    for name, cells in zip(plot.rows, plot.cells, strict=True):
        lines.append([name, *(cell if isinstance(cell, str) else f"{cell:.6g}" for cell in cells)])
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"


def main(arguments: list[str] | None = None) -> int:
    """Judge, write the verdict, its page and the table of metrics, and return the exit code."""
    from gateline.report.writing import FOLDER, write

    chosen = options(arguments)
    store = Store.of(chosen.settings)
    task = task_of(chosen, store)
    handed_over = Path(chosen.model).is_dir() and task.candidate.identity == Artifacts(store).alias(CANDIDATE)
    if chosen.model == CANDIDATE or handed_over:
        _refuse_older(task.candidate, chosen.settings, chosen.test_url)
    verdicts = Verdicts.of(chosen.settings)
    verdict = run(task, chosen.settings, verdicts, fresh=chosen.fresh)
    place({FOLDER / verdict.stage / "metrics.md": markdown(verdict)})
    write(verdict)
    verdicts.reached(verdict)
    return verdict.exit_code


if __name__ == "__main__":
    raise SystemExit(front_door(main))
