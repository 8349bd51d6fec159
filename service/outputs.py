"""What a model answers as tensors of the Open Inference Protocol, under the names that /predict gives it."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from gateline.contracts.manifest import Manifest
from gateline.contracts.release import Release
from gateline.settings.errors import did_you_mean
from service import tensors
from service.columns import shown
from service.inference import HEADER, Inference
from service.refusals import LONGEST, Refusal
from service.tensors import JSON_TEXT, Tensor

JSON, BINARY = "application/json", "application/octet-stream"
Answers = Sequence[Mapping[str, Any]]
"""One answer a row, after the hook `after`, as /predict sends it."""


def declared(manifest: Manifest) -> dict[str, str]:
    """Return the outputs that a model has, with their datatypes: `prediction`, and `probability` or `probabilities`."""
    if manifest.task == "regression":
        return {"prediction": "FP64"}
    label = tensors.of_values("", manifest.classes).datatype
    return {"prediction": label, "probability" if manifest.task == "binary" else "probabilities": "FP64"}


def write(asked: Inference, answers: Answers, manifest: Manifest, release: Release) -> tuple[bytes, dict[str, str]]:
    """Return the body of an answer and the headers that say how to read it.

    Raises Refusal (422) for an output that is not known, ValueError for an answer that JSON cannot hold.
    """
    chosen = _chosen(asked, answers, declared(manifest))
    listed: list[dict[str, Any]] = []
    binary: list[bytes] = []
    for name, datatype in chosen.items():
        tensor = _tensor(name, [answer.get(name) for answer in answers], datatype, manifest)
        told = {"name": tensor.name, "datatype": tensor.datatype, "shape": tensor.shape}
        parameters, wanted = dict(tensor.parameters), asked.outputs.get(name)
        if asked.binary if wanted is None else wanted:
            binary.append(tensors.to_bytes(tensor))
            parameters["binary_data_size"] = len(binary[-1])
        else:
            told["data"] = list(tensor.elements)
        listed.append(told | ({"parameters": parameters} if parameters else {}))
    said = {"model_name": release.project, "model_version": release.version}
    said |= {} if asked.id is None else {"id": asked.id}
    head = json.dumps(said | {"outputs": listed}, allow_nan=False).encode()
    if not binary:
        return head, {"Content-Type": JSON}
    return head + b"".join(binary), {"Content-Type": BINARY, HEADER: str(len(head))}


def _chosen(asked: Inference, answers: Answers, known: Mapping[str, str]) -> dict[str, str]:
    """Return the outputs to send, with the datatypes that are declared: all, or those asked for in their order.

    What a hook adds to the answers, or leaves out of all of them, counts as it is answered.
    """
    there = dict.fromkeys(name for answer in answers for name in answer)
    every = {name: known.get(name, "") for name in (*(name for name in known if name in there), *there)}
    for name in asked.outputs:
        if name not in every:
            near = did_you_mean(name[:LONGEST], list(every))
            raise Refusal(422, f"output {shown(name[:LONGEST])} is not known{near}; allowed: {', '.join(every)}")
    return {name: every[name] for name in asked.outputs or every}


def _tensor(name: str, values: list[Any], datatype: str, manifest: Manifest) -> Tensor:
    labels = [str(label) for label in manifest.classes]
    if name == "probabilities" and all(isinstance(one, dict) and list(one) == labels for one in values):
        shares = tensors.of_values(name, [share for one in values for share in one.values()], datatype)
        if shares.datatype == datatype:
            return Tensor(name, datatype, (len(values), len(labels)), shares.elements)
    if name == "prediction" and are_mixed(manifest.classes):
        return tensors.of_json(name, values)  # the same in every answer, also where its own rows are of one kind
    return tensors.of_values(name, values, datatype)


def are_mixed(classes: Sequence[Any]) -> bool:
    """Say whether classes are of kinds that only JSON can tell apart, such as 1 and "1"."""
    return bool(classes) and tensors.of_values("", classes).parameters == JSON_TEXT
