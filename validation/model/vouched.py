"""Whose code a champion's types stand for: the checkout's `model/`, an earlier one of its git history, or nobody's.

A manifest says by which `model/` its model was made. Where the model holds types of `model/`, and neither the checkout, nor
its history, nor a training of this checkout knows that `model/`, the model is not loaded into the code that is here.
"""

import importlib.util
import io
import tarfile
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath

from gateline.contracts.digest import belongs, of_bytes, of_tree, of_value, short
from gateline.contracts.git import ask, packed
from gateline.contracts.manifest import MANIFEST_FILE, MODEL_FILE, Manifest
from gateline.registry.made_here import MODEL, SIGNED_MODEL, Made, content_of
from gateline.registry.trusted import OWN, types_of
from gateline.settings import Settings
from gateline.settings.errors import GateRefused

TRAINED = Path(".gateline/trained-code.txt")
"""Digests of the `model/` that this checkout has trained with, one per line: uncommitted edits are known, too."""
MOST = 300
"""How many commits that changed `model/` are looked at, newest first: about 10 ms each."""


def remember(manifest: Manifest) -> None:
    digest = manifest.inputs.get(OWN, "")
    if digest and digest not in _trained():
        TRAINED.parent.mkdir(parents=True, exist_ok=True)
        with TRAINED.open("a", encoding="utf-8") as stream:
            stream.write(f"{digest}\n")


def is_signed(files: Mapping[str, bytes], settings: Settings) -> bool:
    """Say whether a key of the settings was found to vouch for an artifact's files, or a training here made them."""
    made = Made.of(settings)
    return content_of(files) in {*made.all(SIGNED_MODEL), *made.all(MODEL)}


def require_signed(files: Mapping[str, bytes], settings: Settings) -> None:
    """Raise GateRefused (rule `vouched`) for a champion that neither a key of the settings nor a training here vouches for."""
    if not is_signed(files, settings):
        raise GateRefused(
            "no key of the settings vouches for it: anyone who can write the registry may have put it there; it was not "
            "loaded",
            "nox -s validate_model looks for the signature of its release; without nox, it is not looked for", rule="vouched",
        )


def require(files: Mapping[str, bytes]) -> None:
    """Raise GateRefused (rule `vouched`) for a champion with types of a `model/` that nothing here knows."""
    try:
        types = types_of(files[MODEL_FILE])
    except Exception:
        return  # no model file that could be loaded: the loader says why
    digest = Manifest.model_validate_json(files[MANIFEST_FILE]).inputs.get(OWN, "")
    if not any(name.startswith(f"{OWN}.") for name in types) or digest in _trained() or digest in _known():
        return
    raise GateRefused(
        f"it holds types of model/ as of {short(digest) or 'no digest'}, which is neither the checkout's model/, nor "
        "one of its git history, nor one that was trained with here; it was not loaded",
        "fetch the history (a shallow clone holds none: git fetch --unshallow)", rule="vouched",
    )


def _trained() -> list[str]:
    return TRAINED.read_text(encoding="utf-8").split() if TRAINED.is_file() else []


def _folders() -> list[Path]:
    spec = importlib.util.find_spec(OWN)
    return [Path(folder) for folder in (spec.submodule_search_locations or ())] if spec else []


def _known() -> Iterator[str]:
    """The digests of `model/` in the checkout, and at each commit of its history that changed it."""
    for folder in _folders():
        yield of_value(of_tree(folder))
        listed = ask(folder, "rev-list", "--full-history", f"--max-count={MOST}", "HEAD", "--", ".") or ""
        for data in (packed(folder, commit) for commit in listed.split()):
            if data is not None:
                with tarfile.open(fileobj=io.BytesIO(data)) as archive:
                    yield of_value(dict(_digests(archive)))


def _digests(archive: tarfile.TarFile) -> Iterator[tuple[str, str]]:
    for member in archive:
        content = archive.extractfile(member) if member.isfile() else None
        if content is not None and belongs(PurePosixPath(member.name)):
            yield member.name, of_bytes(content.read())
