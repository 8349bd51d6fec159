"""Triton's own HTTP client, as it comes, gets from the service what scikit-learn says."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from tritonclient.http import InferenceServerClient, InferInput, InferRequestedOutput
from tritonclient.utils import InferenceServerException

from gateline.contracts import samples
from gateline.contracts.release import Release
from tests.service import bundles, processes

pytestmark = pytest.mark.slow
ROWS = samples.rows(bundles.schema(), 40, seed=7)
"""With missing texts and numbers."""
NUMPY = {"INT64": np.int64, "FP64": np.float64, "BOOL": np.bool_, "BYTES": np.object_}


@dataclass(frozen=True)
class Asked:
    """A running service, a client of it, and what its estimator says to `ROWS`."""

    client: Any
    release: Release
    scores: list[list[float]]
    tolerance: float
    """How far a probability may be from the estimator's: generated Python adds numbers in another order."""

    def inputs(self, rows: list[list[Any]], **how: bool) -> list[InferInput]:
        """Return rows as a tensor for each column, with the datatypes that the model's metadata name."""
        made = []
        for place, told in enumerate(self.client.get_model_metadata("flights")["inputs"]):
            values = [row[place] for row in rows]
            missing: Any = math.nan if told["datatype"] == "FP64" else ""
            array: Any = np.array([missing if one is None else one for one in values], dtype=NUMPY[told["datatype"]])
            made.append(InferInput(told["name"], list(array.shape), told["datatype"]))
            made[-1].set_data_from_numpy(array, **how)
        return made


@pytest.fixture(scope="module", params=["binary", "generated", "multiclass", "regression"])
def asked(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Asked]:
    folder = tmp_path_factory.mktemp(request.param)
    generated = request.param == "generated"
    recipe = bundles.Recipe(task="binary" if generated else request.param, generated=generated)
    release = bundles.write(folder / "b", recipe)
    scores = bundles.expected(folder / "b", ROWS)
    with processes.service(folder / "b", folder) as service:
        service.wait_for("/v2/health/ready")
        client = InferenceServerClient("{}:{}".format(*service.address))
        yield Asked(client, release, scores, 1e-9 if generated else 0.0)
        client.close()


def judge(asked: Asked, result: Any, scores: list[list[float]]) -> None:
    """Compare every output of an answer with the estimator's scores."""
    labels = result.as_numpy("prediction").tolist()
    names = {output["name"] for output in result.get_response()["outputs"]}
    if names == {"prediction"}:
        assert labels == [score for score, in scores]
    elif names == {"prediction", "probability"}:
        wanted = [positive for _, positive in scores]
        assert result.as_numpy("probability").tolist() == pytest.approx(wanted, rel=0, abs=asked.tolerance)
        assert labels == [int(positive >= 0.5) for _, positive in scores]
    else:
        classes = bundles.CLASSES["multiclass"]
        assert result.as_numpy("probabilities").tolist() == scores
        assert [label if isinstance(label, str) else label.decode() for label in labels] == [
            classes[int(np.argmax(score))] for score in scores
        ]


@pytest.mark.parametrize("binary", [True, False])
@pytest.mark.parametrize("rows", [1, 40])
def test_a_tensor_for_each_column(asked: Asked, binary: bool, rows: int) -> None:
    result = asked.client.infer("flights", asked.inputs(ROWS[:rows], binary_data=binary))
    judge(asked, result, asked.scores[:rows])
    assert result.get_response()["model_version"] == asked.release.version


def test_outputs_as_they_are_asked_for(asked: Asked) -> None:
    for output in asked.client.get_model_metadata("flights")["outputs"]:
        for binary in (True, False):
            wanted = [InferRequestedOutput(output["name"], binary_data=binary)]
            result = asked.client.infer("flights", asked.inputs(ROWS), outputs=wanted, request_id="42")
            (only,) = result.get_response()["outputs"]
            assert (only["name"], only["datatype"]) == (output["name"], output["datatype"])
            assert [-1, *only["shape"][1:]] == output["shape"] and ("data" in only) != binary
            assert len(result.as_numpy(output["name"])) == len(ROWS) and result.get_response()["id"] == "42"


def test_all_columns_in_one_matrix_of_texts(asked: Asked) -> None:
    texts = [["" if value is None else value for value in row] for row in ROWS]
    matrix = InferInput("rows", [len(ROWS), len(ROWS[0])], "BYTES")
    matrix.set_data_from_numpy(np.array(texts, dtype=np.object_))
    judge(asked, asked.client.infer("flights", [matrix]), asked.scores)


def test_what_server_and_model_are(asked: Asked) -> None:
    client, version = asked.client, asked.release.version
    assert client.is_server_live() and client.is_server_ready()
    assert client.is_model_ready("flights") and client.is_model_ready("flights", version)
    assert not client.is_model_ready("trains") and not client.is_model_ready("flights", "2")
    assert client.get_server_metadata()["extensions"] == ["binary_tensor_data"]
    assert client.get_model_metadata("flights", version) == client.get_model_metadata("flights")


def test_a_version_is_asked_for(asked: Asked) -> None:
    result = asked.client.infer("flights", asked.inputs(ROWS), model_version=asked.release.version)
    judge(asked, result, asked.scores)


def test_a_refusal_reaches_the_client_as_its_error(asked: Asked) -> None:
    inputs = asked.inputs(ROWS[:1])
    with pytest.raises(InferenceServerException, match="rows.0..carrier is missing") as refused:
        asked.client.infer("flights", inputs[1:])
    assert refused.value.status() == "422"
    with pytest.raises(InferenceServerException, match='no model "trains"') as unknown:
        asked.client.infer("trains", inputs)
    assert unknown.value.status() == "404"
    with pytest.raises(InferenceServerException, match='output "odds" is not known'):
        asked.client.infer("flights", inputs, outputs=[InferRequestedOutput("odds")])
