"""What a model file may name: functions that load or run are on no list, wherever they stand."""

from __future__ import annotations

import functools
import importlib
import io
import json
import operator
import pickle
import zipfile
from typing import Any

import joblib
import numpy as np
import pandas as pd
import pytest
import scipy.sparse
import skops.io
from sklearn.base import BaseEstimator
from sklearn.calibration import CalibratedClassifierCV
from sklearn.ensemble import GradientBoostingClassifier, HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.feature_extraction.text import CountVectorizer, TfidfVectorizer
from sklearn.feature_selection import SelectKBest
from sklearn.linear_model import LogisticRegression, SGDClassifier
from sklearn.model_selection import GridSearchCV, StratifiedKFold
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, SplineTransformer, TargetEncoder
from skops.io import _trusted_types as default

from gateline.registry.trusted import ALLOWED, advice, own_names, runs_code, strangers, types_of

CALLED = "path.npy"


def named(estimator: Any) -> list[str]:
    """Return what a file of this estimator names that is on no list."""
    return strangers(types_of(skops.io.dumps(estimator)), (), ())


@pytest.mark.parametrize(
    ("estimator", "found"),
    [
        (FunctionTransformer(functools.partial(np.load, CALLED, allow_pickle=True)), "numpy.load"),
        (FunctionTransformer(np.load), "numpy.load"),
        (FunctionTransformer(inverse_func=np.load), "numpy.load"),
        (FunctionTransformer(kw_args={"deep": [{"er": np.fromfile}]}), "numpy.fromfile"),
        (FunctionTransformer(joblib.load), "joblib.numpy_pickle.load"),
        (FunctionTransformer(pd.read_pickle), "read_pickle"),
        (FunctionTransformer(pd.eval), "pandas.eval"),
        (FunctionTransformer(pickle.loads), "_pickle.loads"),
        (FunctionTransformer(importlib.import_module), "importlib.import_module"),
        (FunctionTransformer(eval), "builtins.eval"),
        (FunctionTransformer(getattr), "builtins.getattr"),
        (FunctionTransformer(operator.methodcaller("tofile", CALLED)), "operator.methodcaller"),
        (FunctionTransformer(operator.attrgetter("__class__.__base__")), "operator.attrgetter"),
        (FunctionTransformer(functools.partial(getattr, {})), "builtins.getattr"),
        (FunctionTransformer(np.arange(3).tofile), "tofile"),
        (CountVectorizer(preprocessor=joblib.load), "joblib.numpy_pickle.load"),
        (CountVectorizer(tokenizer=eval), "builtins.eval"),
        (TfidfVectorizer(analyzer=exec), "builtins.exec"),
        (SelectKBest(score_func=pickle.loads), "_pickle.loads"),
        (KNeighborsClassifier(metric=eval), "builtins.eval"),
        (KNeighborsClassifier(weights=joblib.load), "joblib.numpy_pickle.load"),
        (GridSearchCV(LogisticRegression(), {}, scoring=joblib.load), "joblib.numpy_pickle.load"),
        (make_pipeline(LogisticRegression(), memory=joblib.Memory(None)), "joblib.memory.Memory"),
    ],
)
def test_what_runs_code_is_on_no_list_wherever_it_stands(estimator: Any, found: str) -> None:
    assert any(found in name or name.endswith(found) for name in named(estimator)), named(estimator)


def test_a_key_of_a_dictionary_may_be_no_function() -> None:
    """skops calls a key's type with the key, while it loads."""
    packed = io.BytesIO(skops.io.dumps(FunctionTransformer(kw_args={"a": 1})))
    with zipfile.ZipFile(packed) as archive:
        text = archive.read("schema.json").decode()
    hostile = text.replace('"__class__": "str",\n', '"__class__": "system",\n').replace(
        '"__module__": "builtins",\n', '"__module__": "os",\n'
    )
    assert hostile != text
    other = io.BytesIO()
    with zipfile.ZipFile(other, "w") as archive:
        archive.writestr("schema.json", hostile)
    assert any(name.startswith("os.") for name in strangers(types_of(other.getvalue()), (), ()))


def fitted(estimator: Any) -> Any:
    chance = np.random.default_rng(0)
    rows = chance.uniform(0.1, 1, (60, 4))
    return estimator.fit(rows, (rows[:, 0] > 0.5).astype(int))


@pytest.mark.parametrize(
    "estimator",
    [
        HistGradientBoostingClassifier(max_iter=2, early_stopping=True),
        GradientBoostingClassifier(n_estimators=2),
        RandomForestClassifier(n_estimators=2),
        CalibratedClassifierCV(LogisticRegression(), cv=2),
        CalibratedClassifierCV(LogisticRegression(), cv=2, method="isotonic"),
        KNeighborsClassifier(algorithm="ball_tree"),
        KNeighborsClassifier(algorithm="kd_tree", metric="manhattan"),
        MLPClassifier(max_iter=500, hidden_layer_sizes=(2,), tol=1.0),
        SGDClassifier(),
        make_pipeline(TargetEncoder(cv=StratifiedKFold(2)), SelectKBest(k=2), LogisticRegression()),
        make_pipeline(SplineTransformer(), FunctionTransformer(np.log1p), LogisticRegression()),
        make_pipeline(FunctionTransformer(functools.partial(np.maximum, 0.2)), LogisticRegression()),
        GridSearchCV(LogisticRegression(), {"C": [1.0]}, cv=StratifiedKFold(2), scoring="roc_auc"),
    ],
    ids=lambda estimator: type(estimator).__name__,
)
def test_models_of_scikit_learn_need_no_line(estimator: Any) -> None:
    assert named(fitted(estimator)) == []


def test_skops_trusts_by_itself_no_function_but_ufuncs() -> None:
    """The list stands on skops' own: an update that trusts more is seen here."""
    for name in default.SKLEARN_ESTIMATOR_TYPE_NAMES + default.SKLEARN_INTERNAL_TYPE_NAMES:
        module, _, last = name.rpartition(".")
        kind = getattr(importlib.import_module(module), last)
        assert isinstance(kind, type) and module.startswith("sklearn."), name
        assert issubclass(kind, BaseEstimator) or module.startswith(("sklearn._loss", "sklearn.ensemble")), name
    for name in default.NUMPY_UFUNC_TYPE_NAMES + default.SCIPY_UFUNC_TYPE_NAMES:
        module, _, last = name.rpartition(".")
        assert isinstance(getattr(importlib.import_module(module), last), np.ufunc), name
    assert set(default.CONTAINER_TYPE_NAMES) == {f"builtins.{name}" for name in ("list", "set", "map", "tuple")}
    assert set(default.PRIMITIVE_TYPE_NAMES) == {f"builtins.{name}" for name in ("int", "float", "str", "bool")}


def test_our_own_list_names_what_is_there_and_nothing_that_runs_code() -> None:
    assert [name for name in ALLOWED if runs_code(name)] == []
    gone = []
    for name in sorted(ALLOWED):
        module, _, last = name.rpartition(".")
        try:
            gone += [] if hasattr(importlib.import_module(module), last) else [name]
        except ImportError:
            gone.append(name)
    assert gone == []


def test_of_model_only_what_it_defines_itself_is_its_own() -> None:
    source = b"""
from numpy import load
import os
try:
    from fast import Scaled
except ImportError:
    class Scaled: ...
class Codes:
    class Inner: ...
    def transform(self): ...
def decades(rows):
    def inside(): ...
loaded = load
"""
    names = own_names({"model/features.py": source, "model/__init__.py": b"def first(): ...", "other/x.py": b"def y(): ..."})
    assert names == {"model.features.Scaled", "model.features.Codes", "model.features.decades", "model.first"}
    assert strangers(["model.features.load", "model.features.os", "model.features.Codes"], names, ()) == [
        "model.features.load",
        "model.features.os",
    ]
    assert own_names({"model/broken.py": b"def ("}) == frozenset()


def test_by_hand_adds_a_type_and_never_what_runs_code() -> None:
    harmless = ["xgboost.core.Booster", "datetime.date", "functools.partial"]
    code = ["numpy.load", "builtins.eval", "numpy.lib.format.read_array", "numpy.testing._private.utils.runstring"]
    code += ["site.addsitedir", "_posixsubprocess.fork_exec", "logging.config.fileConfig"]
    assert strangers([*harmless, *code], (), [*harmless, *code]) == code
    assert "builtins.eval can run or load code" in advice(["numpy.load", "builtins.eval"])
    assert advice(["xgboost.core.Booster"], ["a.B"]).endswith('[model] trusted = ["a.B", "xgboost.core.Booster"]')


def zipped(schema: str, compression: int = zipfile.ZIP_DEFLATED, said: int = 0, **files: bytes) -> bytes:
    """Return an archive of these files; with `said`, a list of contents that says of each that it unpacks to so many bytes."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", compression) as archive:
        archive.writestr("schema.json", schema)
        for name, data in files.items():
            archive.writestr(name, data)
        for entry in archive.infolist() if said else ():
            entry.file_size = said
    return packed.getvalue()


def with_matrix(matrix: bytes) -> bytes:
    """Return a model file that holds a sparse matrix: an archive within the archive."""
    return zipped(json.dumps({"content": [node(1)]}), zipfile.ZIP_STORED, a=matrix)


def node(number: int) -> dict[str, Any]:
    about = {"__class__": "ndarray", "__module__": "numpy", "__loader__": "NdArrayNode", "type": "numpy", "file": "a"}
    return about | {"__id__": number}


SWELL = {
    "an array": zipped("{}", a=bytes(2**25)),
    "the description": zipped(json.dumps([[]] * 2**19)),
    "one array, read many times": zipped(
        json.dumps({"content": [node(number) for number in range(500)]}), zipfile.ZIP_STORED, a=bytes(2**20)
    ),
    "a header that says less": zipped(" " * 2**25, said=100),
    "a packing that is taken whole": zipped(" " * 2**25, zipfile.ZIP_BZIP2, said=100),
    "a matrix": with_matrix(zipped("", a=bytes(2**28 + 1))),
    "a matrix whose header says less": with_matrix(zipped("", said=100, a=bytes(2**25))),
    "a matrix that is taken whole": with_matrix(zipped("", zipfile.ZIP_LZMA, said=100, a=bytes(2**25))),
}


@pytest.mark.parametrize("model", SWELL.values(), ids=SWELL.keys())
def test_a_file_that_swells_is_not_read(model: bytes) -> None:
    with pytest.raises(ValueError, match="swell"):
        types_of(model)


def test_a_sparse_matrix_that_packs_well_is_read() -> None:
    matrix = scipy.sparse.csr_matrix(np.eye(1_000))
    assert strangers(types_of(skops.io.dumps(FunctionTransformer(kw_args={"a": matrix}))), (), ()) == []


def test_an_array_that_many_objects_share_is_read_once() -> None:
    shared = np.zeros(2**20)
    model = skops.io.dumps(make_pipeline(*[FunctionTransformer(kw_args={"a": shared}) for _ in range(50)]))
    assert strangers(types_of(model), (), ()) == []


def test_a_file_of_another_protocol_is_not_read() -> None:
    older = io.BytesIO()
    with zipfile.ZipFile(older, "w") as archive:
        archive.writestr("schema.json", json.dumps({"protocol": 0}))
    with pytest.raises(ValueError, match="another skops"):
        types_of(older.getvalue())
