"""Rows as numbers: equal rows have equal hashes, and different rows different ones, but for one chance in 10^38 at 128 bits.

A hash is taken of the typed values, so that `1` and `1.0` are the same, and a missing value equals another.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from gateline.rows.cells import Cells

Hashes = npt.NDArray[np.uint64]
ODD = (np.uint64(0x9E3779B97F4A7C15), np.uint64(0xC2B2AE3D27D4EB4F))
MIX = (np.uint64(0xFF51AFD7ED558CCD), np.uint64(0xC4CEB9FE1A85EC53))
START = (np.uint64(0x243F6A8885A308D3), np.uint64(0x13198A2E03707344))
NOTHING = np.uint64(0xA4093822299F31D0)
SHIFT = np.uint64(32)


def hashed(columns: Sequence[Cells], rows: int, half: int = 0) -> Hashes:
    """Return one of the two 64-bit halves of each row's hash, shape (rows,)."""
    found = np.full(rows, START[half], dtype=np.uint64)
    for cells in columns:
        found = mixed(found, _bits(cells, half), half)
    return found


def mixed(found: Hashes, other: Hashes, half: int = 0) -> Hashes:
    """Return hashes that depend on both, in this order (the finalizer of MurmurHash3 after each)."""
    found = (found * ODD[half]) ^ other
    found ^= found >> SHIFT
    found *= MIX[half]
    found ^= found >> SHIFT
    return found


def _bits(cells: Cells, half: int) -> Hashes:
    if cells.column.dtype == "string":
        words = _of_words(cells.words, half)
        bits = words[cells.values] if len(words) else np.zeros(len(cells), dtype=np.uint64)
    elif cells.values.dtype == np.float64:
        bits = (cells.values + 0.0).view(np.uint64)  # -0.0 is 0.0
    else:
        bits = cells.values.view(np.uint64)
    return bits if cells.unknown is None else np.where(cells.unknown, NOTHING, bits)


def _of_words(words: pa.Array | None, half: int) -> Hashes:
    """Return the hash of each string, eight bytes at a time."""
    if words is None or not len(words):
        return np.zeros(0, dtype=np.uint64)
    _, offsets, data = words.buffers()
    ends = np.frombuffer(offsets, np.int32)[words.offset : words.offset + len(words) + 1].astype(np.int64)
    starts, sizes = ends[:-1], np.diff(ends)
    text = np.frombuffer(data, np.uint8) if data is not None else np.zeros(0, np.uint8)
    padded = np.concatenate([text[: ends[-1]], np.zeros(8, np.uint8)])
    wide = np.lib.stride_tricks.as_strided(padded.view(np.uint8), (len(padded) - 7, 8), (1, 1))
    found = mixed(np.full(len(words), START[1 - half]), sizes.astype(np.uint64), half)
    for at in range(0, int(sizes.max(initial=0)), 8):
        some = np.flatnonzero(sizes > at)
        eight = np.ascontiguousarray(wide[starts[some] + at]).view(np.uint64).ravel()
        left = np.minimum(sizes[some] - at, 8).astype(np.uint64)
        eight &= np.uint64(2**64 - 1) >> (np.uint64(64) - left * np.uint64(8))
        found[some] = mixed(found[some], eight, half)
    return found
