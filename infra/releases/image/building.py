"""Build the image of a release: its libraries once per lock, the release on top of them."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from gateline.contracts.digest import of_file
from gateline.contracts.release import Image, Release
from gateline.registry.releases import Releases
from gateline.settings import Settings
from gateline.settings.errors import OutsideError
from infra.host.bundle import checked, unpack
from infra.host.docker import APIError, Docker, ImageNotFound, platform_of, reaching
from infra.releases.image import context, tags
from infra.releases.image.builders import Builder, Job, builder_for
from infra.releases.image.context import remove_older
from infra.releases.image.listing import digest, listing
from infra.releases.image.site import key, site

LOCK_FILE = "service.txt"
CORRECT = "correct image.base in pipeline.toml, or GATELINE_IMAGE_BASE"


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

    def image_of(
        self, release: Release, releases: Releases, say: Callable[[str], None], own: Collection[str] | None = None
    ) -> Image:
        """Return the image of a release, built if it is not there yet, and recorded; of `own`, if ids are given.

        Raises GateRefused (rule `digest`) where the registry holds other files than the release's.
        """
        present = releases.image(release.digest, self.platform)
        known = present is not None and (own is None or present.id in own)
        if present is not None and known and self.has(present.id) and self._is_made_like(present):
            say(f"image {present.tags[0]} is built already: nothing to do")
            return present
        with tempfile.TemporaryDirectory(prefix="gateline-image-") as scratch:
            bundle, archive = Path(scratch) / "bundle", releases.archive(release.digest)
            release = checked(archive, release.digest)
            unpack(archive, bundle)
            image = self._build(release, bundle, Path(scratch), say)
        releases.add_image(image)
        return image

    def has(self, image: str) -> bool:
        """Say whether the daemon has an image of this name or id."""
        return bool(self.id_of(image))

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
            self._pull(name)
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

    def _pull(self, name: str) -> None:
        try:
            self.client.images.pull(name, platform=self.platform)
        except (APIError, ImageNotFound) as error:
            why = (
                f"image.base {name} is not on the daemon for {self.platform}, and cannot be pulled: {error.explanation}"
            )
            raise OutsideError(why, CORRECT) from None

    def _is_made_like(self, image: Image) -> bool:
        """A base that is not on the daemon cannot have become another one."""
        base = self.id_of(self.settings.image.base)
        same = image.base == self.settings.image.base and base in ("", image.base_id)
        return same and of_file(context.DOCKERFILE) == image.dockerfile

    def _build(self, release: Release, bundle: Path, scratch: Path, say: Callable[[str], None]) -> Image:
        names = tags.tags(self.settings, release, tags.git_tags())
        libraries = self._site(bundle / LOCK_FILE, release, scratch, say)
        folder = scratch / "release"
        context.for_release(folder, bundle)
        say(f"building the image with {self.builder.name}")
        arguments = self._arguments(release) | {"SITE": libraries}
        found = self.builder.build(Job(folder, "release", names[0], self.platform, arguments), say)
        with reaching():
            built = self.client.images.get(found)
            for name in names:
                built.tag(name)
            base = self.client.images.get(self.base())
        files = digest(listing(self.client, found))
        image = Image(
            release=release.digest,
            platform=self.platform,
            id=str(built.id),
            files=files,
            base=self.settings.image.base,
            base_id=str(base.id),
            dockerfile=of_file(context.DOCKERFILE),
            tags=names,
            builder=self.builder.name,
            size=int(built.attrs["Size"]),
            base_size=int(base.attrs["Size"]),
            created=datetime.now(UTC).isoformat(timespec="milliseconds"),
        )
        say(
            f"built image {names[0]}: {image.size / 1e6:.0f} MB, {(image.size - image.base_size) / 1e6:.0f} MB over its base; "
            f"equal inputs give equal files, {files[:12]}"
        )
        return image

    def _site(self, lock: Path, release: Release, scratch: Path, say: Callable[[str], None]) -> str:
        """Return the name of the image that holds the libraries, built if this daemon has none of this lock and base."""
        about = f"{self.platform} {self.base()} {of_file(context.DOCKERFILE)}"
        name = f"{self.settings.project.name}-site:{key(lock, about, release.python)}"
        if not self.has(name):
            say(f"installing the libraries of the lock for {self.platform}")
            folder = scratch / "libraries"
            context.for_site(folder, site(lock, self.platform, release.python, self.root))
            say(f"building the libraries' image with {self.builder.name}")
            self.builder.build(Job(folder, "site", name, self.platform, {"BASE": self.settings.image.base}), say)
            remove_older(self.client, name.partition(":")[0])
        return name

    def _arguments(self, release: Release) -> dict[str, str]:
        return {
            "BASE": self.settings.image.base,
            "TITLE": release.project,
            "VERSION": release.version,
            "REVISION": release.commit,
            "CREATED": release.created,
            "RELEASE": release.digest,
            "RECORD": release.model_dump_json(),
        }
