"""Arrow's arrays as numpy's and back, by their memory: Arrow's own ways import pandas where it is installed."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

Mask = npt.NDArray[np.bool_]


def numbers(array: pa.Array) -> npt.NDArray[Any]:
    """Return an array of numbers as it is in memory, without copying; what stands where it is null means nothing."""
    kind = _dtype(array.type)
    data = array.buffers()[1]
    if data is None or not len(array):
        return np.zeros(len(array), kind)
    return np.frombuffer(data, kind)[array.offset : array.offset + len(array)]


def truths(array: pa.Array) -> Mask:
    """Return an array of booleans; what stands where it is null means nothing."""
    return _bits(array.buffers()[1], array)


def nulls(array: pa.Array) -> Mask | None:
    """Return where an array is null, None where it is nowhere."""
    if not array.null_count:
        return None
    if pa.types.is_null(array.type):
        return np.ones(len(array), dtype=bool)
    return ~_bits(array.buffers()[0], array)


def arrow_of(values: npt.NDArray[Any]) -> pa.Array:
    """Return numbers as an Arrow array."""
    values = np.ascontiguousarray(values)
    return pa.Array.from_buffers(pa.from_numpy_dtype(values.dtype), len(values), [None, pa.py_buffer(values)])


def _dtype(kind: pa.DataType) -> Any:
    names = {"halffloat": "float16", "float": "float32", "double": "float64"}
    return np.dtype(names.get(str(kind), str(kind)))


def _bits(data: Any, array: pa.Array) -> Mask:
    if data is None or not len(array):
        return np.zeros(len(array), dtype=bool)
    bits = np.unpackbits(np.frombuffer(data, np.uint8), bitorder="little")
    return bits[array.offset : array.offset + len(array)].view(np.bool_)
