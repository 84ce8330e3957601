"""Rows grouped by the value of a metric, with the mean outcome of each group."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from workbench.core.lookup import lookup
from workbench.core.types import Floats, Ints

OUTCOMES = ("maj_correct", "best_correct", "sem_mbr_correct", "lex_mbr_correct")

WIDTHS = {
    "equal": "buckets of equal width between the smallest and the largest value",
    "quantile": "buckets of about equal count",
}


def bucket(
    df: pd.DataFrame,
    metric: str,
    num_buckets: int = 8,
    k: int | None = None,
    outcomes: Sequence[str] = OUTCOMES,
    width: str = "equal",
) -> pd.DataFrame:
    """Mean outcomes of the rows whose metric lies in the same range, as in the study.

    Read down a column to see how the outcome moves with the metric. A value on the border of two
    buckets belongs to the lower one. Rows of one problem are not independent, so a mean over many
    rows may still rest on few problems.

    Args:
        df: one row per subset, with the columns ``metric`` and ``outcomes`` (and ``k``).
        metric: the column to group by.
        num_buckets: empty ones are left out.
        k: only subsets of this size; all rows by default. DPP values compare only at equal k.
        outcomes: columns to average; NaN is left out of its column.
        width: "equal" (width, as in the study) or "quantile" (count).

    Returns:
        One row per bucket, lowest first: the outcomes' means, then min, max, mean and count of the
        metric, in its unit. ``attrs["dropped"]`` maps the metric to the number of rows dropped
        because it is NaN or infinite, and each outcome to the number of its NaN among the rest.

    Raises:
        ValueError: an unknown column or width, no row of that ``k``, or no bucket asked for.

    Example:
        Of 0 to 4 in two buckets the border is 2, which belongs to the lower one.

        >>> rows = pd.DataFrame({"dpp": [0.0, 1.0, 2.0, 4.0], "coverage": [0.0, 0.0, 1.0, 1.0]})
        >>> print(bucket(rows, "dpp", 2, outcomes=["coverage"]).round(3).to_string(index=False))
         coverage  min  max  mean  count
            0.333  0.0  2.0   1.0      3
            1.000  4.0  4.0   4.0      1

    Source:
        The bucket tables of the study of 4/22.
    """
    lookup(WIDTHS, width, kind="bucket width")
    if num_buckets < 1:
        raise ValueError(f"num_buckets must be at least 1, got {num_buckets}")
    rows = df if k is None else _of_size(df, k)
    columns = {str(name): name for name in df.columns}
    values = _numbers(rows, lookup(columns, metric, kind="metric"))
    finite = np.isfinite(values)
    kept = values[finite]
    results = {name: _numbers(rows, lookup(columns, name, kind="outcome")) for name in outcomes}
    table = pd.DataFrame({o: r[finite] for o, r in results.items()}, index=range(len(kept)))
    dropped = {metric: int((~finite).sum())}
    dropped |= {str(name): int(missing) for name, missing in table.isna().sum().items()}
    groups = bucket_numbers(kept, num_buckets, width)
    means = table.groupby(groups).mean()
    metric_columns = pd.Series(kept).groupby(groups).agg(["min", "max", "mean", "count"])
    found = pd.concat([means, metric_columns], axis=1).reset_index(drop=True)
    found.attrs["dropped"] = dropped
    return found


def _of_size(df: pd.DataFrame, k: int) -> pd.DataFrame:
    if "k" not in df.columns:
        raise ValueError(f"k={k} needs a column 'k' (known: {', '.join(map(str, df.columns))})")
    rows = df[df["k"] == k]
    if rows.empty:
        sizes = ", ".join(str(size) for size in sorted(df["k"].unique()))
        raise ValueError(f"no subsets of k={k} among the rows (known: {sizes})")
    return rows


def _numbers(df: pd.DataFrame, name: str) -> Floats:
    return df[name].to_numpy(dtype=np.float64, na_value=np.nan)


def bucket_numbers(values: Floats, num_buckets: int, width: str) -> Ints:
    """Which bucket each of (R,) finite values falls into: 0 for the lowest.

    Numbers of empty buckets do not occur.

    Example:
        >>> values = np.array([0.0, 1.0, 2.0, 4.0])
        >>> bucket_numbers(values, 2, "equal").tolist()
        [0, 0, 0, 1]
        >>> bucket_numbers(values, 2, "quantile").tolist()
        [0, 0, 1, 1]
    """
    if not len(values):
        return np.empty(0, dtype=np.int64)
    shares = np.linspace(0, 1, num_buckets + 1)[1:-1]
    equal = values.min() + shares * np.ptp(values)
    edges = np.quantile(values, shares) if width == "quantile" else equal
    return np.searchsorted(edges, values, side="left")
