"""Images: for which platform, built from what, named how, and pushed where. The libraries are built once per lock."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from gateline.contracts.digest import of_file, of_value
from gateline.contracts.git import ask
from gateline.contracts.release import Image, Release
from gateline.registry.releases import Releases
from gateline.settings import Settings
from gateline.settings.errors import OutsideError, UsageError
from infra.host.bundle import checked, unpack
from infra.host.docker import APIError, Docker, ImageNotFound, connect, images, platform_of, reaching
from infra.releases.image import context
from infra.releases.image.builders import Builder, Job, builder_for
from infra.releases.image.listing import digest, listing

LOCK_FILE = "service.txt"
CORRECT = "correct image.base in pipeline.toml, or GATELINE_IMAGE_BASE"
SEMVER = re.compile(r"v?(\d+\.\d+\.\d+(?:-[0-9A-Za-z.-]+)?)$")
"""https://semver.org, without build metadata, which a tag cannot hold."""
KEPT = 2
"""The newest of each kind stay: the one in use, and the one to go back to."""
Say = Callable[[str], None]


@dataclass(frozen=True)
class Workshop:
    """Where images are built: the daemon, its builder, and the project's folder."""

    settings: Settings
    client: Docker
    builder: Builder
    platform: str
    root: Path

    @classmethod
    def of(cls, settings: Settings, client: Docker, host: str, root: Path, platform: str = "") -> Workshop:
        """Build by this client of the daemon at `host`, for `platform`, or for the daemon's own where it is empty."""
        return cls(settings, client, builder_for(client, host), platform or platform_of(client), root)

    def image_of(self, release: Release, releases: Releases, say: Say, own: Collection[str] | None = None) -> Image:
        """Return the image of a release, built if it is not there yet, and recorded; of `own`, if ids are given.

        Raises GateRefused (rule `digest`) where the registry holds other files than the release's.
        """
        present = releases.image(release.digest, self.platform)
        known = present is not None and (own is None or present.id in own)
        if present is not None and known and self.id_of(present.id) and self._is_made_like(present):
            say(f"image {present.tags[0]} is built already: nothing to do")
            return present
        with tempfile.TemporaryDirectory(prefix="gateline-image-") as scratch:
            bundle, archive = Path(scratch) / "bundle", releases.archive(release.digest)
            release = checked(archive, release.digest)
            unpack(archive, bundle)
            image = self._build(release, bundle, Path(scratch), say)
        releases.add_image(image)
        return image

    def id_of(self, image: str) -> str:
        """Return the id of an image by name or id; empty where the daemon has none."""
        try:
            with reaching():
                return str(self.client.images.get(image).id)
        except ImageNotFound:
            return ""

    def base(self) -> str:
        """Return the id of the base, pulled if the daemon does not have it for this platform."""
        name = self.settings.image.base
        if self._platform_of(name) != self.platform:
            try:
                self.client.images.pull(name, platform=self.platform)
            except (APIError, ImageNotFound) as error:
                why = f"is not on the daemon for {self.platform}, and cannot be pulled: {error.explanation}"
                raise OutsideError(f"image.base {name} {why}", CORRECT) from None
        if (got := self._platform_of(name)) != self.platform:
            raise OutsideError(f"image.base {name} is for {got or 'no platform'}, not for {self.platform}", CORRECT)
        return self.id_of(name)

    def _platform_of(self, image: str) -> str:
        """Return what an image on the daemon runs on; empty where there is none of this name."""
        try:
            with reaching():
                attributes = self.client.images.get(image).attrs
        except ImageNotFound:
            return ""
        return f"{attributes['Os']}/{attributes['Architecture']}"

    def _is_made_like(self, image: Image) -> bool:
        """A base that is not on the daemon cannot have become another one."""
        base = self.id_of(self.settings.image.base)
        same = image.base == self.settings.image.base and base in ("", image.base_id)
        return same and of_file(context.DOCKERFILE) == image.dockerfile

    def _build(self, release: Release, bundle: Path, scratch: Path, say: Say) -> Image:
        names = tags(self.settings, release, git_tags())
        arguments = {
            "SITE": self._site(bundle / LOCK_FILE, release, scratch, say),
            "BASE": self.settings.image.base,
            "TITLE": release.project,
            "VERSION": release.version,
            "REVISION": release.commit,
            "CREATED": release.created,
            "RELEASE": release.digest,
            "RECORD": release.model_dump_json(),
        }
        folder = scratch / "release"
        context.for_release(folder, bundle)
        say(f"building the image with {self.builder.name}")
        found = self.builder.build(Job(folder, "release", names[0], self.platform, arguments), say)
        with reaching():
            built = self.client.images.get(found)
            for name in names:
                built.tag(name)
            base = self.client.images.get(self.base())
        image = Image(
            release=release.digest,
            platform=self.platform,
            id=str(built.id),
            files=digest(listing(self.client, found)),
            base=self.settings.image.base,
            base_id=str(base.id),
            dockerfile=of_file(context.DOCKERFILE),
            tags=names,
            builder=self.builder.name,
            size=int(built.attrs["Size"]),
            base_size=int(base.attrs["Size"]),
            created=datetime.now(UTC).isoformat(timespec="milliseconds"),
        )
        sizes = f"{image.size / 1e6:.0f} MB, {(image.size - image.base_size) / 1e6:.0f} MB over its base"
        say(f"built image {names[0]}: {sizes}; equal inputs give equal files, {image.files[:12]}")
        return image

    def _site(self, lock: Path, release: Release, scratch: Path, say: Say) -> str:
        """Return the name of the image that holds the libraries, built if this daemon has none of this lock and base."""
        about = f"{self.platform} {self.base()} {of_file(context.DOCKERFILE)}"
        name = f"{self.settings.project.name}-site:{context.key(lock, about, release.python)}"
        if not self.id_of(name):
            say(f"installing the libraries of the lock for {self.platform}")
            folder = scratch / "libraries"
            context.for_site(folder, context.site(lock, self.platform, release.python, self.root))
            say(f"building the libraries' image with {self.builder.name}")
            self._build_only_newest(folder, "site", name, say)
        return name

    def proxy_image(self, python: str, say: Say) -> str:
        """Return the name of the proxy's image on this daemon, built if it is not there: named by all that is in it."""
        lock = self.root / context.PROXY_LOCK
        made_of = [context.key(lock, self.platform, python), self.base(), *map(of_file, context.PROXY_FILES)]
        name = f"{self.settings.project.name}-proxy:{of_value(made_of)[:24]}"
        if not self.id_of(name):
            say(f"building the proxy's image with {self.builder.name}")
            with tempfile.TemporaryDirectory(prefix="gateline-proxy-") as scratch:
                folder = Path(scratch) / "context"
                context.for_proxy(folder, context.site(lock, self.platform, python, self.root))
                self._build_only_newest(folder, "proxy", name, say)
        return name

    def _build_only_newest(self, folder: Path, stage: str, name: str, say: Say) -> None:
        """Build an image that replaces the older ones of its kind."""
        self.builder.build(Job(folder, stage, name, self.platform, {"BASE": self.settings.image.base}), say)
        remove_older(self.client, name.partition(":")[0])


def remove_older(client: Docker, repository: str) -> list[str]:
    """Remove all but the newest images named `repository:…`; return their names. One that a container uses stays."""
    with reaching():
        listed = images(client, repository)
    newest_first = sorted(listed, key=lambda image: str(image.attrs["Created"]), reverse=True)
    removed = []
    for tag in [tag for image in newest_first[KEPT:] for tag in image.tags]:
        try:
            client.images.remove(tag)
        except APIError:
            continue
        removed.append(tag)
    return removed


def tags(settings: Settings, release: Release, versions: tuple[str, ...]) -> tuple[str, ...]:
    """Return the full names of a release's image: by commit, by version, by `versions` (its commit's tags), and `latest`."""
    commit = re.sub(r"^([0-9a-f]{7})[0-9a-f]{33}", r"\1", re.sub(r"[^0-9A-Za-z_.-]", "-", release.commit)) or "nogit"
    semver = [found.group(1) for version in versions if (found := SEMVER.match(version))]
    names = [release.name.replace("+", "-"), f"sha-{commit}", *semver, "latest"]
    repository = settings.image.repository or settings.project.name
    return tuple(f"{repository}:{name}" for name in names)


def git_tags() -> tuple[str, ...]:
    """Return the tags of the commit that is checked out; none outside git."""
    return tuple((ask(Path("."), "tag", "--points-at", "HEAD") or "").split())


def push(client: Docker, settings: Settings, image: Image, say: Say) -> Image:
    """Push every tag of an image; return its record with the digest of the manifest, by which the registry knows it.

    Credentials are those of `docker login`. Raises UsageError where no registry is set, OutsideError if it refuses.
    """
    repository = settings.image.repository
    if not repository:
        raise UsageError("image.repository is not set: there is no registry to push to", "set it in pipeline.toml")
    found = ""
    for name in [f"{repository}:{tag.rpartition(':')[2]}" for tag in image.tags]:
        say(f"pushing {name}")
        with reaching():
            client.images.get(image.id).tag(name)
            for line in client.api.push(name, stream=True, decode=True):
                if "error" in line:
                    raise OutsideError(f"{name} was not taken: {line['error']}", "docker login, then invoke build --push")
                found = str(line.get("aux", {}).get("Digest", found))
    if not found:
        raise OutsideError(f"{repository} took the image but did not say its digest", "push it again: invoke build --push")
    return image.model_copy(update={"pushed": f"{repository}@{found}"})


def platform_for(settings: Settings, say: Say) -> str:
    """Return the platform of the machines that images will run on, whichever machine builds.

    It is `image.platform`, else what the daemons of the environments say; empty where none of them answers. Raises
    UsageError where they differ: an image for one of them would not be what was judged on the other.
    """
    if settings.image.platform:
        return settings.image.platform
    hosts = {name: env.docker.host for name, env in settings.environments.items() if env.runs_containers}
    known: dict[str, str] = {}
    for host in dict.fromkeys(hosts.values()):  # one that several share is asked once
        try:
            client = connect(host)
            known[host] = platform_of(client)
            client.close()
        except OutsideError as error:
            names = ", ".join(name for name, at in hosts.items() if at == host)
            say(f"the platform of {names} is not known: {error.message}")
    return shared({name: known[host] for name, host in hosts.items() if host in known})


def shared(found: Mapping[str, str]) -> str:
    """Return the one platform of all environments; empty for no environment. Raises UsageError for several."""
    if len(set(found.values())) > 1:
        told = ", ".join(f"{name} {platform}" for name, platform in found.items())
        raise UsageError(
            f"the environments run on several platforms: {told}; what was judged on one would not be what runs on the other",
            "name daemons of one platform (environments.<name>.docker.host), or set image.platform to build for one",
        )
    return next(iter(found.values()), "")
