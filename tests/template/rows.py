"""Rows that the template has never seen: what strangers bring."""

from __future__ import annotations

import math
import random
import subprocess
from pathlib import Path

from infra.host.python_env import python_for
from tests.acceptance.models import Row, csv_file, demand, plant

ROOT = Path(__file__).resolve().parents[2]
FEW_POSITIVES = -3.6


def customer(chance: random.Random, number: int) -> Row:
    """Return one customer of 20 columns and the target: mixed types, gaps, dates, noise; about 6 % leave."""
    tenure, spend, tickets = chance.expovariate(1 / 20), max(0.0, chance.gauss(40, 25)), chance.randint(0, 9)
    plan = chance.choice(["free", "basic", "pro"])
    leaning = (
        FEW_POSITIVES + 0.25 * tickets - 0.03 * tenure + 0.9 * (plan == "free") - 0.01 * spend + chance.gauss(0, 0.5)
    )
    return {
        "customer_id": f"C{number:06d}",
        "signed_up": f"20{chance.randint(18, 24)}-{chance.randint(1, 12):02d}-{chance.randint(1, 28):02d}",
        "seen_at": f"2025-{1 + number // 1100:02d}-{1 + number // 40 % 28:02d}T{number % 24:02d}:00:00Z",
        "region": chance.choice(["north", "south", "east", "west"]),
        "plan": plan,
        "device": "" if chance.random() < 0.08 else chance.choice(["ios", "android", "web"]),
        "tenure months": round(tenure, 1),
        "spend": "" if chance.random() < 0.1 else round(spend, 2),
        "tickets": tickets,
        "newsletter": chance.choice(["true", "false"]),
        "age": "" if chance.random() < 0.05 else chance.randint(18, 90),
        "zip": f"{chance.randint(0, 99999):05d}",
        "visits": chance.randint(0, 300),
        "score_a": round(chance.gauss(0, 1), 4),
        "score_b": round(chance.gauss(5, 2), 4),
        "discount": chance.choice([0, 5, 10, 20]),
        "referrals": chance.randint(0, 4),
        "lang": chance.choice(["de", "en", "fr"]),
        "os_version": f"{chance.randint(9, 14)}.{chance.randint(0, 9)}",
        "comment_length": chance.randint(0, 500),
        "left?": "yes" if 1 / (1 + math.exp(-leaning)) > chance.random() else "no",
    }


def customers(path: Path) -> Path:
    """Write 12,000 customers."""
    chance = random.Random(7)
    csv_file(path, (customer(chance, number) for number in range(12_000)))
    return path


def shops(path: Path) -> Path:
    """Write 4,500 days of shops, of which a number is to be predicted, as Parquet."""
    chance = random.Random(7)
    csv_file(path, (demand(chance, number // 4) for number in range(4_500)))
    code = "import pandas as pd, sys; pd.read_csv(sys.argv[1], parse_dates=['opened']).to_parquet(sys.argv[2])"
    typed = path.with_suffix(".parquet")
    subprocess.run(
        [str(python_for(ROOT / "requirements/train.txt", ROOT)), "-c", code, str(path), str(typed)], check=True
    )
    return typed


def plants(path: Path) -> Path:
    """Write 4,500 plants of four species."""
    chance = random.Random(7)
    csv_file(path, (plant(chance, number) for number in range(4_500)))
    return path
