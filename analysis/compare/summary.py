"""A comparison in few lines: what differs, what is shown, what could have been, what flipped."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pandas as pd

from workbench.analysis.compare.conditions import SINGLE
from workbench.analysis.compare.flips import TO_RIGHT, TO_WRONG
from workbench.analysis.frames import Table
from workbench.analysis.stats.power import MIN_PROBLEMS, POWER
from workbench.core.conditions import spell_condition, temperature_name
from workbench.core.table_text import ALPHA

KINDS = ("differences", "temperatures", "conditions")
"""The table that a comparison is about: of several runs, or of one run's conditions."""
MOST_SETTINGS, MOST_ROWS, MOST_FLIPS = 8, 16, 5
"""Lines of the terminal; what is left out is counted, and the files have it."""
LONGEST = 32
"""Characters of a setting, a run's name or a condition on the terminal."""


def judged_rows(tables: Mapping[str, Table]) -> tuple[pd.DataFrame, int]:
    """Return the differences at the largest k and of single samples, and how many rows are tested.

    Those of runs or conditions; where there is one condition only, those of its selections.
    """
    frame = next(tables[name].frame for name in KINDS if name in tables)
    if frame.empty and "selections" in tables:
        frame = tables["selections"].frame
    if frame.empty:
        return frame, 0
    last = (frame["k"] == frame["k"].max()) | (frame["selection"] == SINGLE)
    return frame[last].reset_index(drop=True), len(frame)


def is_significant(row: Mapping[Any, Any]) -> bool:
    """Whether a difference's interval leaves out 0 and its corrected test agrees."""
    apart = row["difference_low"] > 0 or row["difference_high"] < 0
    return bool(apart and row["q"] < ALPHA)


def finding(rows: pd.DataFrame) -> str:
    """Say how many of the differences are shown, and how small a one could have been."""
    if rows.empty:
        return "There is nothing to compare: the notes of the tables say why."
    k = int(rows["k"].max())
    shown = sum(map(is_significant, rows.to_dict("records")))
    of = f"of {len(rows)} paired differences, at k = {k} and of single samples,"
    verb = "is" if shown < 2 else "are"
    told = f"{shown or 'None'} {of} {verb} shown to be other than 0."
    return " ".join(filter(None, (told, detectable(rows))))


def detectable(rows: pd.DataFrame) -> str:
    """Say which difference the problems would have shown, in one sentence; "" if that is unknown.

    Example:
        >>> detectable(pd.DataFrame({"smallest": [0.1, 0.15], "problems": [30, 30]}))[:64]
        'With 30 problems the smallest difference that is found four time'
    """
    most = int(rows["problems"].max())
    if most < MIN_PROBLEMS:
        return f"Below {MIN_PROBLEMS} problems there are no intervals and no tests."
    known = rows[rows["smallest"].notna()]
    if known.empty:
        return ""
    counts = sorted({int(known["problems"].min()), int(known["problems"].max())})
    low, high = known["smallest"].min(), known["smallest"].max()
    reach = f"{low:.3f}" if f"{low:.3f}" == f"{high:.3f}" else f"{low:.3f} to {high:.3f}"
    return (
        f"With {' to '.join(f'{count:,}' for count in counts)} problems the smallest difference "
        f"that is found four times in five ({POWER:.0%} power at {ALPHA:.0%}) is {reach}: where no "
        "difference is shown, there may be a smaller one."
    )


def labels_of(row: Mapping[Any, Any]) -> tuple[str, str]:
    """Return of what a row is, such as ``eight, T = 0.7``, and which number, such as ``maj@8``."""
    name = row["condition"] if "condition" in row else temperature_name(row["temperature"])
    at = spell_condition(str(name))
    what = str(row.get("selection", "maj"))
    number = "single sample" if what == SINGLE else f"{what}@{row['k']}"
    return (f"{row['run']}, {at}" if "run" in row else at), number


def summary(tables: Mapping[str, Table], names: Sequence[str], width: int = 100) -> list[str]:
    """Return what a terminal shows of a comparison, in at most some 50 lines.

    Args:
        tables: as ``compare`` returns them.
        names: of the runs, the first of which the others are compared with.
        width: characters in which sentences are broken; rows are lines of their own.
    """
    rows, tested = judged_rows(tables)
    lines = [*_settings(tables, names), *textwrap.wrap(finding(rows), width)]
    if len(rows):
        lines += ["", *_differences(rows, tested, width)]
    if "flips" in tables:
        lines += ["", *_flips(tables["flips"])]
    return lines


def _settings(tables: Mapping[str, Table], names: Sequence[str]) -> Iterator[str]:
    """Yield what differs between the runs, and how many problems they share."""
    if "settings" not in tables:
        yield f"{names[0]}: its conditions, problem by problem"
        return
    shared = tables["problems"].frame
    for row in shared.to_dict("records"):
        left = row["only here"] + row["only there"]
        aside = f", {left:,} of one alone left out" if left else ""
        gold = row["other known answer"]
        other = f", {gold:,} with another known answer" if gold else ""
        yield f"{row['run']} against {row['against']}: {row['shared']:,} problems{aside}{other}"
    frame = tables["settings"].frame
    if frame.empty:
        yield "no setting differs"
        return
    cells = [
        [str(row["setting"]), " → ".join(_cut(str(row[name])) for name in names)]
        for row in frame.head(MOST_SETTINGS).to_dict("records")
    ]
    yield "settings that differ:"
    yield from (f"  {line}" for line in _aligned(cells))
    yield from _left_out(len(frame) - len(cells), "settings")
    yield ""


def _differences(rows: pd.DataFrame, tested: int, width: int) -> Iterator[str]:
    """Yield the differences a line each: all of them in order, or the largest of too many."""
    records = rows.to_dict("records")
    if len(records) > MOST_ROWS:
        records.sort(key=lambda row: (not is_significant(row), -abs(row["difference"])))
        yield f"the {MOST_ROWS} largest of {len(records):,} differences, those that are shown first"
    cells = []
    for row in records[:MOST_ROWS]:
        who, number = labels_of(row)
        change = f"{row['difference']:+.3f}"
        if not pd.isna(row["difference_low"]):
            change += f" [{row['difference_low']:.3f}, {row['difference_high']:.3f}]"
        change += "*" if is_significant(row) else ""
        pair = f"{_cut(who)} against {_cut(str(row['against']))}"
        cells.append([pair, number, f"{row['baseline']:.3f} → {row['accuracy']:.3f}", change])
    yield from _aligned(cells)
    yield from textwrap.wrap(
        "the second value less the first, problem by problem; [low, high]: intervals, the problem "
        f"as the unit; * shown: the interval leaves out 0 and q < {ALPHA:g}, corrected over the "
        f"{tested:,} rows of the table (Benjamini-Hochberg)",
        width,
    )


def _flips(table: Table) -> Iterator[str]:
    """Yield the problems whose majority changed most."""
    frame = table.frame
    if frame.empty:
        yield f"problems that flipped: {'; '.join(table.notes)}"
        return
    counts = [int((frame["flipped"] == way).sum()) for way in (TO_RIGHT, TO_WRONG)]
    yield (
        f"problems that flipped: {counts[0]:,} {TO_RIGHT}, {counts[1]:,} {TO_WRONG} (the value "
        "crosses one half); changed most:"
    )
    judged = "maj" if "maj" in frame else "right"
    cells = []
    for row in frame.head(MOST_FLIPS).to_dict("records"):
        who, number = labels_of(row)
        change = f"{row[f'{judged}_against']:.3f} → {row[judged]:.3f}"
        number = number if judged == "maj" else "share right"
        pair = f"{_cut(who)} against {_cut(str(row['against']))}"
        cells.append([_cut(str(row["problem_id"])), pair, number, change, _cut(row["question"])])
    yield from (f"  {line}" for line in _aligned(cells))
    yield from _left_out(len(frame) - len(cells), "rows")


def _left_out(count: int, what: str) -> Iterator[str]:
    if count > 0:
        yield f"  and {count:,} more {what}"


def _aligned(cells: Sequence[Sequence[str]]) -> Iterator[str]:
    """Yield rows as lines, each column as wide as its widest cell."""
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    for row in cells:
        padded = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        yield "  ".join(padded).rstrip()


def _cut(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"
