"""Which types a model file may name: one list of our own, for the loader, the scanner and training. No artifact adds to it.

skops trusts by itself: the estimators of scikit-learn, its losses, containers, numpy's arrays, dtypes and ufuncs. All else
must be named here, be defined in the copy's `model/`, or be added by hand under `[model] trusted`. A name counts wherever it
stands: as an object, as a function inside `FunctionTransformer` or `partial`, or as a key's type.
"""

import ast
import importlib.util
import io
import json
import sys
import zipfile
from collections.abc import Collection, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

OWN = "model"
"""The package whose classes and functions are the copy's own."""
SWELLING, MATRICES = 4, 2**28
"""How many times its size, and how many bytes beyond it, a model file may unpack to: skops packs sparse matrices alone."""
BLOCK = 2**16


def _named(modules: Mapping[str, str]) -> frozenset[str]:
    return frozenset(f"{module}.{name}" for module, names in modules.items() for name in names.split())


ALLOWED = _named(
    {
        "collections": "OrderedDict defaultdict",
        "functools": "partial",
        "numpy": "dtype mean median nan_to_num",
        "numpy.ma": "MaskedArray",
        "scipy._lib.array_api_compat.numpy._aliases": "asarray",
        "scipy.interpolate._bsplines": "BSpline",
        **{f"scipy.sparse._{form}": f"{form}_matrix {form}_array" for form in "bsr coo csc csr dia dok lil".split()},
        "sklearn._loss.loss": "HalfTweedieLoss HalfTweedieLossIdentity",
        "sklearn.calibration": "_CalibratedClassifier _SigmoidCalibration _TemperatureScaling",
        "sklearn.cluster._bisect_k_means": "_BisectingTree",
        "sklearn.cluster._kmeans": "_kmeans_single_elkan _kmeans_single_lloyd",
        "sklearn.compose._column_transformer": "make_column_selector",
        "sklearn.ensemble._hist_gradient_boosting.predictor": "TreePredictor",
        "sklearn.feature_selection._mutual_info": "mutual_info_classif mutual_info_regression",
        "sklearn.feature_selection._univariate_selection": "chi2 f_classif f_regression r_regression",
        "sklearn.gaussian_process._gpc": "_BinaryGaussianProcessClassifierLaplace",
        "sklearn.gaussian_process.kernels": "CompoundKernel ConstantKernel DotProduct ExpSineSquared Exponentiation Matern "
        "PairwiseKernel Product RBF RationalQuadratic Sum WhiteKernel",
        "sklearn.impute._iterative": "IterativeImputer _ImputerTriplet",
        "sklearn.metrics._classification": "accuracy_score balanced_accuracy_score brier_score_loss d2_brier_score "
        "d2_log_loss_score f1_score jaccard_score log_loss matthews_corrcoef precision_score recall_score",
        "sklearn.metrics._dist_metrics": " ".join(
            f"{name}Distance{bits}"
            for name in "BrayCurtis Canberra Chebyshev Dice Euclidean Hamming Haversine Jaccard Mahalanobis Manhattan "
            "Minkowski RogersTanimoto RussellRao SEuclidean SokalSneath".split()
            for bits in (32, 64)
        ),
        "sklearn.metrics._ranking": "average_precision_score roc_auc_score top_k_accuracy_score",
        "sklearn.metrics._regression": "d2_absolute_error_score explained_variance_score max_error mean_absolute_error "
        "mean_absolute_percentage_error mean_gamma_deviance mean_poisson_deviance mean_squared_error "
        "mean_squared_log_error median_absolute_error r2_score root_mean_squared_error root_mean_squared_log_error",
        "sklearn.metrics._scorer": "_CurveScorer _PassthroughScorer _Scorer",
        "sklearn.model_selection._search_successive_halving": "HalvingGridSearchCV HalvingRandomSearchCV",
        "sklearn.model_selection._split": "GroupKFold GroupShuffleSplit KFold LeaveOneGroupOut LeaveOneOut LeavePGroupsOut "
        "LeavePOut PredefinedSplit RepeatedKFold RepeatedStratifiedKFold ShuffleSplit StratifiedGroupKFold StratifiedKFold "
        "StratifiedShuffleSplit TimeSeriesSplit",
        "sklearn.multiclass": "_ConstantPredictor",
        "sklearn.neighbors._ball_tree": "BallTree BallTree32 BallTree64",
        "sklearn.neighbors._kd_tree": "KDTree KDTree32 KDTree64",
        "sklearn.neural_network._stochastic_optimizers": "AdamOptimizer SGDOptimizer",
        "sklearn.tree._tree": "Tree",
        "sklearn.utils._bunch": "Bunch",
        "sklearn.utils._metadata_requests": "MetadataRequest MethodMetadataRequest",
    }
)
"""Parts of fitted models that skops does not trust by itself; each function computes, none reads a file or calls by name."""
VALUES = frozenset("array collections datetime decimal enum fractions functools math numbers random re uuid".split())
NEVER = (sys.stdlib_module_names - VALUES) | frozenset("IPython cloudpickle dill joblib pip setuptools skops".split())
"""Libraries that run or load what they are given, and Python's own but for `VALUES`: nothing of theirs is loaded, though
somebody adds it by hand."""
NEVER_CALLED = frozenset(
    "call_method compile dump eval exec exec_command fromfile getattr import_module load load_library loads memmap "
    "methodcaller open read_array read_pickle rundocs runstring save system tofile unsafe_load".split()
)
"""Last parts of names that do the same in any library: `numpy.load`, `torch.hub.load`, `pandas.read_pickle`."""


def types_of(model: bytes) -> list[str]:
    """Return the types a model file names beyond those that skops trusts by itself; nothing of them is imported or run.

    Raises ValueError for a file that swells when it is read, or is of another protocol of skops; for one that is no skops
    file at all, what its reader raises.
    """
    import skops.io
    from skops.io._protocol import PROTOCOL

    unpacked = sizes(model)
    with zipfile.ZipFile(io.BytesIO(model)) as archive:
        schema = json.loads(archive.read("schema.json"))
    if sum(unpacked.get(name, 0) for _, name in _arrays(schema)) > SWELLING * len(model) + MATRICES:
        raise ValueError(f"its arrays, each as often as it is read, would swell to more than {SWELLING} times its size")
    if schema.get("protocol") != PROTOCOL:
        raise ValueError("it was written by another skops")
    return [str(name) for name in skops.io.get_untrusted_types(data=model)]


def sizes(model: bytes) -> dict[str, int]:
    """Return how many bytes each file of a model file unpacks to, by what it holds: a header may say less, and a reader that
    believes it takes gigabytes at once. Raises ValueError for one that would swell."""
    with zipfile.ZipFile(io.BytesIO(model)) as archive:
        entries = archive.infolist()
        stored = all(entry.compress_type == zipfile.ZIP_STORED and entry.file_size == entry.compress_size for entry in entries)
        if not stored or sum(entry.file_size for entry in entries) > len(model):
            raise ValueError("it would swell: skops stores its files, it does not compress them")
        return {entry.filename: _unpacked(archive.read(entry)) for entry in entries}


def _unpacked(data: bytes) -> int:
    """Return the bytes that one file is read into: a sparse matrix is an archive of its own."""
    if not data.startswith(b"PK"):
        return len(data)
    with zipfile.ZipFile(io.BytesIO(data)) as matrix:
        if sum(entry.file_size for entry in matrix.infolist()) > MATRICES:
            raise ValueError(f"it would swell: a matrix unpacks to more than {MATRICES} bytes")
        return sum(_inflated(matrix, entry) for entry in matrix.infolist())


def _inflated(matrix: zipfile.ZipFile, entry: zipfile.ZipInfo) -> int:
    """The library gives at most what the header says, however much there is: it is told of more here, to see more."""
    if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise ValueError(f"it would swell: {entry.filename} is packed so that it cannot be read in parts")
    declared, entry.file_size, size = entry.file_size, MATRICES + 1, 0
    with matrix.open(entry) as stream:
        while block := stream.read(BLOCK):
            size += len(block)
            if size > declared:
                raise ValueError(f"it would swell: {entry.filename} unpacks to more than the {declared} bytes that it says")
    return size


def _arrays(schema: Any) -> set[tuple[Any, str]]:
    """Return each object that skops reads a file of the archive for, by its id, and the file: one may be named many times."""
    found, waiting = set(), [schema]
    while waiting:
        node = waiting.pop()
        if isinstance(node, dict) and isinstance(node.get("file"), str):
            found.add((node.get("__id__"), node["file"]))
        waiting += node.values() if isinstance(node, dict) else node if isinstance(node, list) else ()
    return found


def strangers(names: Iterable[str], own: Collection[str], by_hand: Collection[str]) -> list[str]:
    """Return the names that are on no list: neither ours, nor defined in `model/` (`own`), nor added by hand."""
    known = {name for name in by_hand if not runs_code(name)}.union(ALLOWED, own)
    return [name for name in names if name not in known]


def runs_code(name: str) -> bool:
    """Say whether what is named runs or loads what it is given, so that nobody can add it."""
    return name.partition(".")[0] in NEVER or name.rpartition(".")[2] in NEVER_CALLED


def advice(names: Collection[str], by_hand: Collection[str] = ()) -> str:
    """Return the line of pipeline.toml that a model of such types needs; or, of what can't be added, that."""
    never = sorted(name for name in names if runs_code(name))
    if never:
        return f"do not use it: {never[0]} can run or load code, and cannot be added to [model] trusted"
    line = ", ".join(f'"{name}"' for name in sorted({*by_hand, *names}))
    return f"if these types are known to you, from a library of yours, name them in pipeline.toml: [model] trusted = [{line}]"


def own_names(sources: Mapping[str, bytes]) -> frozenset[str]:
    """Return the dotted names of classes and functions that Python files define at their top, by path (`model/features.py`).

    What a file merely imports is not its own: `model.features.load` may be numpy's.
    """
    names = set()
    for path, data in sources.items():
        if path.endswith(".py") and path.startswith(f"{OWN}/"):
            module = path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
            names |= {f"{module}.{name}" for name in _defined(data)}
    return frozenset(names)


def own_sources() -> dict[str, bytes]:
    """Return the Python files of the package `model` of this process, by path; nothing of it is imported."""
    spec = importlib.util.find_spec(OWN)
    folders = [Path(folder) for folder in (spec.submodule_search_locations or ())] if spec else []
    return {
        f"{OWN}/{path.relative_to(folder).as_posix()}": path.read_bytes()
        for folder in folders
        for path in sorted(folder.rglob("*.py"))
    }


def _defined(data: bytes) -> Iterator[str]:
    try:
        tree = ast.parse(data)
    except (SyntaxError, ValueError):
        return
    waiting: list[ast.AST] = [tree]
    while waiting:
        for node in ast.iter_child_nodes(waiting.pop()):
            if isinstance(node, (ast.ClassDef, ast.FunctionDef)):
                yield node.name
            elif isinstance(node, (ast.If, ast.Try, ast.With, ast.ExceptHandler)):
                waiting.append(node)
