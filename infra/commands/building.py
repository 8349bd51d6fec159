"""`invoke build`."""

from pathlib import Path

from gateline.contracts.event import PACKAGED, PUBLISHED
from gateline.contracts.files import hand_on
from gateline.contracts.layout import BUILD
from gateline.contracts.release import Image, Release
from gateline.registry.audit import AuditLog
from gateline.registry.made_here import Made, of_image
from gateline.registry.releases import Releases
from gateline.registry.store import Store
from gateline.settings import Settings, load
from gateline.settings.shown import tell
from infra.engines import write_manifests
from infra.host.actor import commit
from infra.host.python_env import python_for
from infra.releases.build import build as build_release
from infra.releases.scorer import lock_of
from infra.rollout.recorder import Recorder
from infra.rollout.target import audit_key, recorder_of


def build(model: str, push: bool, manifests: str = "") -> int:
    """Pack a release, prepare the environment it runs in, and record it when it is new; write its `manifests` if asked."""
    settings = load()
    as_written = load(
        environ={}
    ).service  # what the environment overrides (a URL with a password) is no part of a release
    release = build_release(settings.model_copy(update={"service": as_written}), model)
    if any(not environment.runs_containers for environment in settings.environments.values()):
        python_for(lock_of(release, Path(".")), Path("."))
    made = Made.of(settings)
    made.add_release(release.digest, commit())
    image = _image(settings, release, push)
    if image is not None:
        made.add(of_image(release.digest), image.id)
    Releases(Store.of(settings)).choose(release.digest)  # last: what lacks its environment or image is judged by nobody
    recorder, url = build_recorder(settings), Store.of(settings).url
    facts = {"release": release.model_dump(mode="json"), "registry": url}
    facts |= {"image": image.model_dump(mode="json")} if image else {}
    if not any(event.type == PACKAGED and event.subject == release.digest for event in recorder.log.events()):
        recorder.record(PACKAGED, release.digest, facts)
    if push:
        recorder.record(PUBLISHED, release.digest, facts)
        tell(f"published {release.digest} in {url}" + (f", its image as {image.pushed}" if image else ""))
    if manifests:
        write_manifests(Path(manifests), settings, release, image)
        tell(f"wrote {manifests}: kubectl apply -k {manifests}/overlays/<env>, or point Argo CD or Flux at that folder")
    hand_on(release=release.digest)
    signed = "invoke sign, then " if settings.signing.keys else ""
    tell(f"next: nox -s integration benchmark security, then {signed}invoke deploy --env=staging")
    return 0


def _image(settings: Settings, release: Release, push: bool) -> Image | None:
    """Build the release's image, where an environment runs containers, by this machine's daemon; push it if asked."""
    if not settings.runs_containers:
        return None
    from infra.host.docker import connect
    from infra.releases.image.building import Workshop, platform_for, push as push_image

    workshop = Workshop.of(settings, connect(""), "", Path("."), platform_for(settings, tell))
    releases = Releases(Store.of(settings))
    own = Made.of(settings).all(of_image(release.digest)) if settings.signing.keys else None
    image = workshop.image_of(release, releases, tell, own)
    if push:
        image = push_image(workshop.client, settings, image, tell)
        releases.add_image(image)
    return image


def build_recorder(settings: Settings) -> Recorder:
    """Return the audit log as builds write it: they belong to no environment."""
    return recorder_of(settings, BUILD, Path("."), AuditLog(Store.of(settings), audit_key()))
