"""Who is measured: how each is started, and what a request to it looks like."""

import json
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from infra.host.python_env import python_for, run_in

HERE = Path(__file__).parent
RAW, CONSTANT, NAIVE = "raw ASGI on uvicorn, constant answer", "FastAPI + pydantic, constant answer", "naive"
GATELINE, PLAIN, LOGGED = "Gateline", "Gateline without a fast path", "Gateline with its prediction log"
BATCH = 64
"""Largest batch of the frameworks that batch."""
Row = Sequence[Any]
"""One row in schema order, as JSON values."""


@dataclass(frozen=True)
class Contender:
    """One server: `argv` gets the port; `body` makes a request of a row."""

    name: str
    argv: Callable[[int], Sequence[str]]
    path: str = "/predict"
    body: Callable[[Row], Any] = lambda row: {"features": row}
    env: Mapping[str, str] = field(default_factory=dict)
    folder: Path = HERE


def uvicorn(name: str, app: str, model: Path, *options: str) -> Contender:
    """Return an application of `apps.py`."""
    argv = [sys.executable, "-m", "uvicorn", f"apps:{app}", "--no-access-log", "--log-level=error", *options]
    return Contender(name, lambda port: [*argv, f"--port={port}"], env={"MODEL": str(model)})


def own(name: str, bundle: Path, root: Path, env: Mapping[str, str] | None = None) -> Contender:
    """Return the service of an unpacked release, in the environment of its lock."""
    python = str(python_for(bundle / "service.txt", root).absolute())
    return Contender(name, lambda port: [python, "-m", "service", f"--port={port}"], env=env or {}, folder=bundle)


def limits(model: Path) -> list[Contender]:
    """Return what bounds a service from above, and what most tutorials show."""
    return [
        uvicorn(RAW, "raw", model),
        uvicorn(CONSTANT, "constant", model, "--factory"),
        uvicorn(NAIVE, "naive", model, "--factory"),
    ]


def peers(model: Path, columns: Sequence[str], scratch: Path, root: Path) -> list[Contender]:
    """Return the other frameworks, each as it comes and with batching, in environments made from the locks in this folder."""
    names = ("mlserver", "bentoml", "litserve", "mlflow")
    pythons = {name: python_for(HERE / f"{name}.txt", root).absolute() for name in names}
    given = {"MODEL": str(model)}
    bento = [str(pythons["bentoml"]), "-m", "bentoml", "serve", "bento:Flights", "--host=127.0.0.1"]
    quiet = {"BENTOML_DO_NOT_TRACK": "true"}
    found = [_mlserver(pythons["mlserver"], model, columns, scratch, batched) for batched in (False, True)]
    for batched in (False, True):
        told = "batching" if batched else "default"
        env = given | quiet | {"BATCHED": str(int(batched))}
        found.append(
            Contender(f"BentoML, {told}", lambda port: [*bento, f"--port={port}"], body=lambda row: {"rows": [row]}, env=env)
        )
        env = given | {"BATCH": str(BATCH if batched else 1)}
        found.append(Contender(f"LitServe, {told}", _lit(pythons["litserve"]), env=env))
    return [*found, _mlflow(pythons["mlflow"], model, columns, scratch)]


def _lit(python: Path) -> Callable[[int], Sequence[str]]:
    return lambda port: ["/usr/bin/env", f"PORT={port}", str(python), "lit.py"]


def _mlserver(python: Path, model: Path, columns: Sequence[str], scratch: Path, batched: bool) -> Contender:
    """MLServer reads its port from a file; without its own worker processes it was faster here."""
    folder = scratch / f"mlserver-{int(batched)}"
    folder.mkdir()
    settings: dict[str, Any] = {"name": "flights", "implementation": "mlserver_sklearn.SKLearnModel"}
    settings["parameters"] = {"uri": str(model)}
    if batched:
        settings |= {"max_batch_size": BATCH, "max_batch_time": 0.002}
    (folder / "model-settings.json").write_text(json.dumps(settings))

    def argv(port: int) -> Sequence[str]:
        ports = {"http_port": port, "grpc_port": port + 1, "metrics_port": port + 2}
        server = {"host": "127.0.0.1", "parallel_workers": 0, "debug": False, "access_log": False, **ports}
        (folder / "settings.json").write_text(json.dumps(server))
        return [str(python.parent / "mlserver"), "start", "."]

    def body(row: Row) -> dict[str, Any]:
        columns_of_one = [_tensor(name, value) for name, value in zip(columns, row)]
        return {"parameters": {"content_type": "pd"}, "inputs": columns_of_one, "outputs": [{"name": "predict_proba"}]}

    told = "batching" if batched else "default"
    return Contender(f"MLServer, {told}", argv, "/v2/models/flights/infer", body, folder=folder)


def _tensor(name: str, value: Any) -> dict[str, Any]:
    if isinstance(value, str):
        return {"name": name, "shape": [1], "datatype": "BYTES", "parameters": {"content_type": "str"}, "data": [value]}
    return {"name": name, "shape": [1], "datatype": "FP64", "data": [value]}


def _mlflow(python: Path, model: Path, columns: Sequence[str], scratch: Path) -> Contender:
    folder = scratch / "mlflow"
    saved = run_in(python, "flow.py", str(model), str(folder), folder=HERE)
    if saved.code:
        raise SystemExit(f"MLflow cannot save the model:\n{saved.tail(8)}")
    argv = [str(python), "-m", "mlflow", "models", "serve", "-m", str(folder), "--env-manager=local", "--host=127.0.0.1"]

    def body(row: Row) -> dict[str, Any]:
        return {"dataframe_split": {"columns": list(columns), "data": [list(row)]}}

    # it starts `uvicorn` by name
    env = {"MLFLOW_DISABLE_TELEMETRY": "true", "PATH": f"{python.parent}:/usr/bin:/bin"}
    return Contender("MLflow", lambda port: [*argv, f"--port={port}"], "/invocations", body, env, scratch)
