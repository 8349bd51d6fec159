"""Which environment a release with a fast path runs in: the lean one, where its hooks import nothing that is not in it."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from gateline.contracts.release import PACKED, SCORER_FILE, Release
from gateline.settings import Service
from infra.releases.build import GROUND
from infra.releases.scorer import heavy_import
from tests.infra.tiny_project import ROOT

PLAIN = "def before(rows): return rows\ndef after(answers): return answers\n"
IN_A_FUNCTION = "def before(rows):\n    import numpy as np\n    return rows\ndef after(answers): return answers\n"
IN_A_TRY = "try:\n    from scipy.special import expit\nexcept ImportError:\n    expit = None\n" + PLAIN


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with our packages, as a bundle has them."""
    folder = tmp_path_factory.mktemp("bundle")
    for path in (package.replace(".", "/") for package in PACKED):
        shutil.copytree(ROOT / path, folder / path, ignore=shutil.ignore_patterns("__pycache__"))
    for path in GROUND:
        shutil.copyfile(ROOT / path, folder / path)
    return folder


@pytest.mark.parametrize(
    ("hooks", "library"),
    [
        (PLAIN, ""),
        ("import json, pydantic\nfrom gateline.contracts.schema import Schema\n" + PLAIN, ""),
        ("import numpy as np\n" + PLAIN, "numpy"),
        (IN_A_FUNCTION, "numpy"),
        (IN_A_TRY, "scipy"),
        ("from model import features\n" + PLAIN, "numpy"),
        ("from .features import Codes\n" + PLAIN, "numpy"),
        ("import skops.io\n" + PLAIN, "skops"),
        ("from gateline.registry import loaded\n" + PLAIN, "numpy"),
        ("raise RuntimeError('no')\n", "what fails with RuntimeError"),
    ],
)
def test_what_the_hooks_import_and_the_lean_environment_does_not_hold_is_found(
    bundle: Path, hooks: str, library: str
) -> None:
    (bundle / "model" / "hooks.py").write_text(hooks, encoding="utf-8")
    assert heavy_import(bundle, ROOT) == library


def test_what_scores_is_told_in_words() -> None:
    release = Release(version="1", artifact="a", project="p", lock="", python="3.11", service=Service())
    assert release.scoring == "scikit-learn scores"
    assert release.model_copy(update={"scorer_reason": "it is large"}).scoring == "scikit-learn scores: it is large"
    assert release.model_copy(update={"scorer": "generated"}).scoring == f"{SCORER_FILE} scores, without scikit-learn"
