"""From what runs, or from a version, back to data, settings, commit and verdicts."""

from __future__ import annotations

from gateline.contracts.manifest import Manifest
from gateline.contracts.shaping import leaves
from gateline.contracts.slots import Slot
from gateline.contracts.verdict import Verdict
from gateline.registry.artifacts import Artifacts
from gateline.registry.releases import Releases
from gateline.registry.store import Store
from gateline.registry.verdicts import Verdicts
from gateline.settings import Settings
from gateline.settings.errors import UsageError
from gateline.stages import JUDGING, judges
from infra.rollout.target import Target


def trace(settings: Settings, reference: str) -> list[str]:
    """Return an account, in lines, of one version or of what an environment runs. Raises UsageError for an unknown one."""
    store = Store.of(settings)
    artifacts = Artifacts(store)
    named = _served(reference) if reference in settings.environments else _packed(store, reference)
    manifest = artifacts.manifest(named or artifacts.resolve(reference))
    return [f"{manifest.version}", *_origin(manifest), *_releases(store, manifest), *_verdicts(store, manifest)]


def _served(environment: str) -> str:
    release = Target.open(environment).engine.status().release_in(Slot.STABLE)
    if release is None:
        raise UsageError(f"nothing runs in {environment}", f"invoke deploy --env={environment}")
    return release.artifact


def _packed(store: Store, reference: str) -> str | None:
    """Return the artifact in a release of this name or digest: what `invoke status` and the answers of the service show."""
    releases = Releases(store).all()
    return next((release.artifact for release in releases if reference in (release.name, release.digest)), None)


def _origin(manifest: Manifest) -> list[str]:
    period = f", {manifest.train_period[0]} to {manifest.train_period[1]}" if manifest.train_period else ""
    lines = [
        f"  artifact   {manifest.identity}",
        f"  trained    {manifest.created} on {manifest.train_rows} rows{period}",
        f"  commit     {manifest.commit or 'none'}{' (with changes not committed)' if manifest.dirty else ''}",
    ]
    lines += [f"  {name:<10} {digest}" for name, digest in manifest.inputs.items()]
    lines += [f"  setting    {key} = {value}" for key, value in leaves(manifest.settings)]
    return lines + [f"  metric     {name} {value:.4f}" for name, value in manifest.metrics.items()]


def _releases(store: Store, manifest: Manifest) -> list[str]:
    built = [release for release in Releases(store).all() if release.artifact == manifest.identity]
    return [f"  release    {release.digest} built {release.created}, commit {release.commit[:12]}" for release in built]


def _verdicts(store: Store, manifest: Manifest) -> list[str]:
    releases = {release.digest for release in Releases(store).all() if release.artifact == manifest.identity}
    lines = []
    for stage in JUDGING:
        for verdict in Verdicts(store).all(stage):
            if _is_about(verdict, manifest, releases):
                where = f" in {verdict.judged['environment']}" if "environment" in verdict.judged else ""
                lines.append(f"  verdict    {stage}{where}: {verdict.outcome} at {verdict.created}")
    return lines


def _is_about(verdict: Verdict, manifest: Manifest, releases: set[str]) -> bool:
    """What a verdict only compared its subject with (the champion, stable) is not what it is about."""
    judged = verdict.judged
    if judges(verdict.stage) == "data":
        return bool({judged.get("train"), judged.get("test")} & {manifest.inputs["train"], manifest.inputs["test"]})
    return judged.get("artifact") == manifest.identity or judged.get("release") in releases
