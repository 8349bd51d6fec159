"""What a command refuses before, or without, a gate: the word that its message begins with, and when it says so."""

from __future__ import annotations

from collections.abc import Mapping

REFUSALS: Mapping[str, str] = {
    "digest": "A file, a record, an archive or an image is not, byte for byte, what was written, built or judged.",
    "unsafe_load": "The model file is no skops file, or names a type that may not be loaded; it is not loaded.",
    "env_lock": "The model was trained with another version of a library that reads it.",
    "vouched": "The champion holds types of a `model/` that neither the checkout nor its history knows; it is not loaded.",
    "score": "The model cannot score the test rows.",
    "champion_score": "The champion does not score the test rows of its training as was recorded.",
    "golden": "A service's model does not score its golden rows as training recorded; it does not become ready.",
    "signature": "The release, its artifact or a required verdict is not signed by a key of `signing.keys`.",
    "quarantine": "The release was left by a rollback.",
    "smoke": "A release that was started does not answer as it must; it gets no traffic.",
    "soak": "Too many answers failed in `environments.<name>.soak_seconds` after traffic was switched; it is switched back.",
    "canary": "Another command took over the canary that this one watched.",
    "chain": "The audit log, or a head of it that was kept, is not what was written.",
}
"""By word; a test compares them with the messages in the code."""
