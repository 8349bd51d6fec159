"""`python -m infra.releases.fast_path`, in the environment of training: write and compare the scorer of a bundle.

`invoke build` runs it. It reads the bundle's artifact, verified as a service would, with the bundle's own `model/`.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from gateline.contracts.files import place
from gateline.contracts.release import ARTIFACT_FOLDER, TRUSTED_FILE
from gateline.registry.loaded import LoadedModel, Rows, encode, load_folder
from gateline.settings.errors import GatelineError, GateRefused, explain
from gateline.settings.front_door import front_door
from infra.releases.fast_path.drawing import as_rows, draw
from infra.releases.fast_path.generating import written
from infra.releases.fast_path.parity import Parity, loaded
from infra.releases.fast_path.writer import NotCoveredError


def main() -> int:
    """Leave `{"text", "reason", "told"}` in the file that is named: the scorer or why there is none, and what was compared."""
    parser = argparse.ArgumentParser(prog="python -m infra.releases.fast_path", description=__doc__)
    parser.add_argument("bundle", type=Path, help="folder of a bundle")
    parser.add_argument("--test", default="", metavar="URL", help="test rows to compare; none where it is empty")
    parser.add_argument("--result", type=Path, required=True, metavar="FILE", help="where to write what was found")
    options = parser.parse_args()
    sys.path.insert(0, str(options.bundle.resolve()))  # `model` is the one that was packed
    trusted = options.bundle / TRUSTED_FILE
    by_hand = tuple(json.loads(trusted.read_bytes())) if trusted.is_file() else ()
    try:
        found = made(load_folder(options.bundle / ARTIFACT_FOLDER, by_hand), options.test)
    except GateRefused as refused:  # it is for the gates to say so of a release
        found = {"text": "", "reason": f"its model may not be loaded ({refused.rule})", "told": explain(refused)}
    place({options.result: json.dumps(found)})
    return 0


def made(model: LoadedModel, test: str = "") -> dict[str, str]:
    """Return the text of a model's scorer, or the reason why it has none, and a sentence on what was compared."""
    try:
        scorer = written(model)
        parity = Parity(model, loaded(scorer.text))
        golden = encode(model.golden["rows"], model.schema)
        parity.compare("golden", golden)
        rows, why = _test_rows(model, test)
        if rows is not None:
            parity.compare("test", rows)
        parity.compare("drawn", as_rows(draw(model.schema, scorer, int(model.manifest.identity[:12], 16))))
    except NotCoveredError as why_not:
        return {"text": "", "reason": str(why_not), "told": ""}
    except Exception as error:  # another scikit-learn may keep what it learned elsewhere: that is no reason not to serve it
        return {"text": "", "reason": f"it cannot be written out ({type(error).__name__})", "told": explain(error)}
    own, theirs = parity.microseconds(golden if rows is None else rows)
    counts = ", ".join(f"{count:,} {kind}" for kind, count in parity.compared.items())
    took = f"a row takes {own:.0f} µs, scikit-learn {theirs:,.0f}"
    told = f"{counts} rows compared{why}, largest difference {parity.worst:.2g}; {took}"
    return {"text": scorer.text, "reason": "", "told": told}


def _test_rows(model: LoadedModel, url: str) -> tuple[Rows | None, str]:
    """Return the test rows, and why there are none."""
    if not url:
        return None, " (no test rows)"
    from gateline.rows.reading import read_table
    from validation.matrix import features_of

    try:
        return features_of(read_table(url, model.schema), model.schema), ""
    except (GatelineError, OSError, ValueError) as error:
        return None, f" (test rows cannot be read: {explain(error)})"


if __name__ == "__main__":
    sys.exit(front_door(main))
