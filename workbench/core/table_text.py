"""Numbers as text: each interval in the cell of its number, a star where a test found something."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from workbench.core.conditions import NUMERIC_FACTORS, TEMPERATURE

if TYPE_CHECKING:
    import pandas as pd

ALPHA = 0.05
"""The level of every test: below it a corrected p-value earns its number a star."""
COUNTS = ("count", "samples", "pools", "k", "needed", "above_from", "below_from")
"""Columns of whole numbers, which read as floats where one is missing."""


def format_table(frame: pd.DataFrame, gap: str | None = " ") -> pd.DataFrame:
    """Return a frame of text, each interval in the cell of its number: ``0.512 [0.431, 0.590]*``.

    A star stands where the table's corrected test of the number has q < 0.05. Bounds are in the
    columns ``…_low`` and ``…_high``; ``gap`` stands before them, and None leaves them out. What is
    in ``…_p``, ``…_q`` and ``…_error`` is for files.
    """
    import pandas as pd

    shown: dict[str, list[str]] = {}
    for name in map(str, frame.columns):
        base, _, part = name.rpartition("_")
        if part in ("low", "high", "p", "q", "error") and base in frame.columns:
            continue
        cells = [_format_value(name, value) for value in frame[name]]
        if name in NUMERIC_FACTORS and "pool" in frame.columns:
            places = zip(cells, frame["pool"], strict=True)
            cells = ["all" if pool == "mixed" else cell for cell, pool in places]
        if gap is not None and f"{name}_low" in frame.columns:
            bounds = zip(frame[f"{name}_low"], frame[f"{name}_high"], strict=True)
            cells = [
                cell if pd.isna(low) else f"{cell}{gap}[{_number(low)}, {_number(high)}]"
                for cell, (low, high) in zip(cells, bounds, strict=True)
            ]
        if f"{name}_q" in frame.columns:
            stars = ["*" if q < ALPHA else "" for q in frame[f"{name}_q"]]
            cells = [cell + star for cell, star in zip(cells, stars, strict=True)]
        shown[name] = cells
    return pd.DataFrame(shown)


def _format_value(name: str, value: Any) -> str:
    import pandas as pd

    if name in NUMERIC_FACTORS:
        return spell_temperature(value) if name == TEMPERATURE else spell_factor(value)
    if name in COUNTS and not pd.isna(value):
        return f"{int(value)}" if value == int(value) else f"{value:.1f}"  # a mean count
    if name.rsplit("_", 1)[-1] in ("p", "q") and value < 0.001:
        return "<0.001"  # never 0
    if isinstance(value, float):
        return _number(value)
    return str(value)


def _number(value: float) -> str:
    """Three decimals, more significant digits for large values; an undefined one is a dash."""
    import pandas as pd

    if pd.isna(value):
        return "-"
    return f"{value:.3f}" if abs(value) < 1000 else f"{value:.1f}"


def spell_factor(level: float) -> str:
    """Return a numeric level of a factor as people read it; a dash where there is none."""
    return "-" if math.isnan(level) else f"{level:g}"


def spell_temperature(temperature: float | None) -> str:
    """Return a temperature as people read it; an imported run's may be ``unknown``."""
    unknown = temperature is None or math.isnan(temperature)
    return "unknown" if unknown else f"{temperature:g}"
