"""A service for tests of rollouts: the one of tiny_service.py, which also answers golden rows and describes its fields.

Knobs beside those of tiny_service.py: off (added to every probability), alone (added where a row comes alone), crowded
(added among a hundred), other (says the other class), field (an undeclared name for the first feature), lenient (accepts
fields that do not exist), terse (answers do not name the model's version), fail_every (every n-th request without a golden
row is answered 500: what no smoke test sees), die_at (ends at that one).
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from pathlib import Path
from typing import Any

from service import tiny_service  # type: ignore[attr-defined]  # in a bundle it stands beside this file

GOLDEN: dict[str, Any] = json.loads(Path("artifact/golden.json").read_text())
FEATURES: list[str] = json.loads(Path("artifact/manifest.json").read_text())["features"]
KNOBS: dict[str, Any] = tiny_service.KNOBS


class Talking(tiny_service.Tiny):  # type: ignore[misc]
    """Answers the questions of a smoke test."""

    async def _answer(self, path: str, body: bytes) -> tuple[int, bytes]:
        if path == "/openapi.json":
            names = [KNOBS.get("field", FEATURES[0]), *FEATURES[1:]]
            return 200, json.dumps({"properties": names}).encode()
        answer: tuple[int, bytes] = await super()._answer(path, body)
        return answer

    strange = 0

    async def _predict(self, body: bytes) -> tuple[int, bytes]:
        request = json.loads(body)
        rows = request.get("rows") or [request["features"]]
        if self._fails(rows):
            self.count["5xx"] += 1
            return 500, b"{}"
        await super()._predict(body)
        if any(isinstance(row, dict) and set(row) - set(FEATURES) for row in rows) and not KNOBS.get("lenient"):
            return 422, b'{"error": "no such field"}'
        answers = [probable(cells(row)) for row in rows]
        answers[0]["probability"] += KNOBS.get("alone", 0.0) * (len(rows) == 1) + KNOBS.get("crowded", 0.0) * (len(rows) > 99)
        about = {"request_id": "r"} | ({} if KNOBS.get("terse") else {"model_version": "1"})
        return 200, json.dumps(about | ({"predictions": answers} if "rows" in request else answers[0])).encode()

    def _fails(self, rows: list[Any]) -> bool:
        if any(cells(row) in GOLDEN["rows"] for row in rows):
            return False
        self.strange += 1
        if self.strange == KNOBS.get("die_at"):
            os._exit(1)
        return bool(self.strange % KNOBS.get("fail_every", sys.maxsize) == 0)


def cells(row: Any) -> list[Any]:
    """Return a row by position, without fields that do not exist."""
    return [row.get(name) for name in FEATURES] if isinstance(row, dict) else row


def probable(row: list[Any]) -> dict[str, Any]:
    """Return the answer to one row: as recorded for a golden one, a half for any other."""
    score = GOLDEN["scores"][GOLDEN["rows"].index(row)][1] if row in GOLDEN["rows"] else 0.5
    return {"prediction": int((score >= 0.5) is not KNOBS.get("other", False)), "probability": score + KNOBS.get("off", 0.0)}


if __name__ == "__main__":
    if "crash" in KNOBS:
        sys.exit(KNOBS["crash"])
    tiny_service.Tiny = Talking
    asyncio.run(tiny_service.serve(int(sys.argv[sys.argv.index("--port") + 1])))
