"""Conclusions as text that is made of the tables, so that it cannot go stale.

A number ``x`` of a row has its interval in ``x_low`` and ``x_high``, as in every table.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

import pandas as pd

from workbench.analysis.correlation import Correlation
from workbench.analysis.stats.bootstrap import MIN_PROBLEMS

Row: TypeAlias = "Mapping[str, Any] | pd.Series[Any]"


def row_of(frame: pd.DataFrame, **values: object) -> pd.Series[Any]:
    """Return the one row of a table in which columns have these values.

    Args:
        frame: a table.
        values: by column; None for an unknown one.

    Raises:
        ValueError: there is no such column, no such row, or several.
    """
    kept = frame
    for name, value in values.items():
        if name not in frame:
            raise ValueError(f"no column {name!r} (known: {', '.join(map(str, frame.columns))})")
        kept = kept[kept[name].isna() if value is None else kept[name] == value]
    if len(kept) != 1:
        wanted = ", ".join(f"{name} = {value}" for name, value in values.items())
        raise ValueError(f"{len(kept)} rows have {wanted or 'nothing to tell them by'}; need one")
    return kept.iloc[0]


def spell(row: Row, name: str, digits: int = 3) -> str:
    """Return a number of a row with its interval: ``0.150 [0.050, 0.250]``; without one, alone."""
    value, low, high = _bounds(row, name)
    text = _number(value, digits)
    return text if pd.isna(low) else f"{text} [{_number(low, digits)}, {_number(high, digits)}]"


def verdict(
    row: Row,
    name: str,
    words: Sequence[str] = ("higher", "lower", "not shown to differ"),
    digits: int = 3,
) -> str:
    """Return a number with its interval and what that says: ``0.150 [0.050, 0.250], higher``.

    An interval that reaches 0 shows nothing; it does not show that there is nothing.

    Args:
        row: of a table.
        name: a column that is 0 where there is nothing to find: a difference, a correlation.
        words: what to say of an interval above 0, below 0, and one that holds 0.
        digits: decimals.
    """
    value, low, high = _bounds(row, name)
    if pd.isna(value):
        return "undefined, as it does not vary"
    if pd.isna(low):
        conclusion = f"no interval below {MIN_PROBLEMS} problems"
    else:
        conclusion = words[0] if low > 0 else words[1] if high < 0 else words[2]
    return f"{spell(row, name, digits)}, {conclusion}"


def correlation_row(found: Correlation) -> dict[str, float]:
    """Return a correlation as the row of a table: ``r`` with its interval, problems and rows."""
    return {
        "r": found.r,
        "r_low": found.low,
        "r_high": found.high,
        "problems": found.num_problems,
        "rows": found.num_rows,
    }


def _bounds(row: Row, name: str) -> tuple[float, float, float]:
    missing = float("nan")
    return row[name], row.get(f"{name}_low", missing), row.get(f"{name}_high", missing)


def _number(value: float, digits: int) -> str:
    """A number for a sentence; one that rounds to 0 has no sign."""
    rounded = round(float(value), digits)
    return "undefined" if pd.isna(value) else f"{rounded + 0.0:.{digits}f}"
