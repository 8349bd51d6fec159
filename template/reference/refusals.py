"""What a command refuses before, or without, a gate: the word its message begins with, and when."""

from collections.abc import Mapping

REFUSALS: Mapping[str, str] = {
    "digest": "A file, a record, an archive or an image differs from what was written, built or judged.",
    "unsafe_load": "The model file is not a skops file, or names a type that may not be loaded; it is not loaded.",
    "env_lock": "The model was trained with another version of a library that reads it.",
    "vouched": "The champion contains types of a `model/` that neither the checkout nor its history knows; it is not loaded.",
    "score": "The model cannot score the test rows.",
    "champion_score": "The champion does not score the test rows of its training as recorded.",
    "golden": "A service's model does not score its golden rows as training recorded; it does not become ready.",
    "signature": "The release, its artifact or a required verdict is not signed by a key of `signing.keys`.",
    "quarantine": "A rollback left this release.",
    "smoke": "A started release does not answer correctly; it gets no traffic.",
    "soak": "Too many answers failed in `environments.<name>.soak_seconds` after traffic was switched; it is switched back.",
    "canary": "Another command took over the canary that this one watched.",
    "chain": "The audit log, or a kept head of it, is not what was written.",
}
"""By word; a test compares them with the messages in the code."""
