"""The data of a plot, drawn by the report room: a verdict carries what it saw, not how it looks."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict


class Series(BaseModel):
    """One named line or group of bars: `x` and `y` have one length."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    x: tuple[float | str, ...]
    y: tuple[float | None, ...]


class Plot(BaseModel):
    """One plot. `table` and `heat` read `cells` (rows × columns); the others read `series`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    title: str
    kind: Literal["line", "bar", "heat", "table"]
    x_label: str = ""
    y_label: str = ""
    series: tuple[Series, ...] = ()
    rows: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()
    cells: tuple[tuple[float | str, ...], ...] = ()
    note: str = ""
