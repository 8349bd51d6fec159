"""What is run in each copy, in order: with the commands that people type, refusals included."""

from __future__ import annotations

from tests.template import edits
from tests.template.command import INCONCLUSIVE, Command

KEY = "../release-key"
SIGNED = {"GATELINE_SIGNING_KEY": KEY}

INSTALL = (
    Command("python3 -m venv .venv"),
    Command(".venv/bin/pip install -q --disable-pip-version-check --require-hashes -r requirements/dev.txt"),
)

NOTHING_RUNS = (
    Command("nox -s adopt", 1, "adopted already"),
    Command("invoke new ../another", 2, "this is a copy itself"),
    Command("invoke update", 1, "--template=WHERE", before=edits.committed),
    Command("invoke status"),
    Command("invoke audit"),
    Command("invoke build", 2, "nox -s train"),
    Command("invoke deploy --env=staging", 2, "invoke build"),
    Command("invoke deploy --env=prod", 2, "did you mean 'production'"),
    Command("invoke rollback --env=production", 2),
    Command("invoke promote --env=production", 2),
    Command("invoke verify", 2, "signing is off"),
)

STAGES = (
    Command("nox -s pipeline"),
    Command("nox -s pipeline", 0, "recorded"),
    Command("nox -s lint typecheck test"),
    Command("nox -s lock"),
    Command("nox -s validate_data"),
    Command("nox -s validate_data -- --data-path none.csv", 1, "none.csv"),
    Command("nox -s train", 0, "nothing"),
    Command("nox -s validate_model"),
    Command("nox -s validate_model -- --min-accuracy 0.99", 1, "0.99"),
    Command("invoke build"),
    Command("nox -s integration benchmark security"),
    Command("invoke smoke --env=staging"),
)

SIGNING = (
    Command("invoke sign", 2, "signing is off"),
    Command(f"invoke sign --new-key={KEY}"),
    Command("invoke sign", 2, "GATELINE_SIGNING_KEY", before=edits.signing_on),
    Command("invoke sign", environ=SIGNED),
    Command("invoke verify", 0, "verified"),
)

ROLLOUT = (
    Command("nox -s train validate_model", before=edits.seed(2)),
    Command("invoke build"),
    Command("invoke canary --env=production", 3, "has not been judged"),
    Command("nox -s integration benchmark security"),
    Command("invoke deploy --env=staging", 1, "is not signed"),
    Command("invoke sign", environ=SIGNED),
    Command("invoke deploy --env=staging"),
    Command("invoke deploy --env=production", 1, "invoke canary"),
    Command("invoke canary --env=production --seconds=20", 3, "held"),
    Command("invoke promote --env=production"),
    Command("invoke rollback --env=production --dry-run"),
    Command("invoke rollback --env=production"),
    Command("invoke canary --env=production", 1, "quarantine"),
    Command("invoke drift --env=production", 3),
    Command("nox -s drift", 1, INCONCLUSIVE),
)

OPERATING = (
    Command("invoke down --env=production"),
    Command("invoke status"),
    Command("invoke up --env=production"),
    Command("invoke smoke --env=production"),
    Command("invoke audit --trace=production"),
    Command("invoke audit --export=audit.json", 0, "audit.json"),
    Command("invoke report", 0, "reports/index.html"),
    Command("invoke monitor --once", 0, "gateline_environment_up"),
    Command("invoke monitor --output=monitoring", 0, "monitoring/rules.yml"),
    Command("nox -s reference"),
    Command("nox -s tour"),
    Command("nox -s make_data"),
)

EXAMPLE = (*NOTHING_RUNS, *STAGES, *SIGNING, *ROLLOUT, *OPERATING)
"""In the copy of the example every session and every task is run."""

TO_PRODUCTION_AND_BACK = (
    Command("nox -s pipeline"),
    Command("nox -s pipeline", before=edits.seed(2)),
    Command("invoke rollback --env=production"),
    Command("invoke smoke --env=production"),
    Command("invoke audit"),
)
BY_HAND = (
    Command("invoke update", 0, "up to date"),
    Command("nox -s lock", before=edits.storage),
    Command("nox -s pipeline -- --skip lint,typecheck,test"),
)
REGRESSION = TO_PRODUCTION_AND_BACK
OWN_ROWS = (
    Command("nox -s validate_data -- --data-path broken.csv", 1, "tickets", before=edits.broken_rows),
    Command("nox -s train"),
    Command("nox -s validate_model -- --min-average-precision 0.99", 1, "0.99"),
    *TO_PRODUCTION_AND_BACK,
)
OWN_MODEL = (Command("nox -s lock", before=edits.own_model), *TO_PRODUCTION_AND_BACK)

STANDING = (Command("invoke smoke --env=production"), Command("invoke status"))
"""Asked once more in every copy while all of them serve on this host."""
LEAVING = (
    Command("invoke down --env=staging --remove"),
    Command("invoke down --env=production --remove"),
)
