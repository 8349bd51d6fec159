"""The model that the naive app and the other frameworks serve: what a notebook would dump, of the size of the example's."""

import sys
from pathlib import Path

import joblib
import pandas as pd
from sklearn.compose import make_column_transformer
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OrdinalEncoder

WORDS = ["carrier", "origin", "dest"]
UNUSED = ["time_hour", "late"]


def dump(train: Path, file: Path) -> None:
    """Fit on the example's training rows (CSV) and dump with joblib."""
    rows = pd.read_csv(train)
    codes = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1)
    words = make_column_transformer((codes, WORDS), remainder="passthrough")
    pipeline = make_pipeline(words, HistGradientBoostingClassifier(max_iter=100, random_state=2013))
    joblib.dump(pipeline.fit(rows.drop(columns=UNUSED), rows["late"]), file)


if __name__ == "__main__":
    dump(Path(sys.argv[1]), Path(sys.argv[2]))
