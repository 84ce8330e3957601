"""What a run ends with on the terminal: what it found, what was left out, and where the rest is."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from workbench.analysis.condition_columns import CONDITION, has_names
from workbench.analysis.doubts import doubts_of
from workbench.analysis.page.headline import Headline, headline
from workbench.analysis.page.report import notices, write_report
from workbench.config.factors import is_factor
from workbench.core.table_text import format_table
from workbench.saved_run import Run
from workbench.tasks import TASKS

COLUMNS, LINES = 100, 40
"""What fits on a terminal; both hold for every run."""
WITHOUT_ANSWER = {"truncated": "cut off before an answer", "no_answer": "without an answer"}
UNKNOWN = {
    "timeout": "whose check timed out",
    "error": "that failed",
    "unsupported": "whose tests cannot be judged in the sandbox",
    "infrastructure": "whose program could not be run",
}
"""Columns of the table ``statuses``, and the words for their samples; the second count among its
column ``unknown``."""


def finish(root: Path) -> None:
    """Write the page of a run and print its last screen."""
    run = Run(root)
    write_report(run)
    print(last_screen(run))


def last_screen(run: Run) -> str:
    """Return the last screen of a run: at most ``LINES`` lines of at most ``COLUMNS`` characters.

    First what is to be doubted, unfinished or out of date; then the finding, as far as the
    intervals show it, with the few numbers behind it; the samples that were cut, failed or have no
    answer; where the page, tables and figures are; and three commands to go on with.
    """
    found = _finding(run)
    warnings = [line for text in notices(run) for line in _wrapped(text)]
    blocks = [warnings, _wrapped(found.sentence), _numbers(found), _samples(run)]
    rest = "\n\n".join("\n".join(block) for block in [*blocks, _places(run), _next(run)] if block)
    doubts = [line for doubt in doubts_of(run) for line in str(doubt).splitlines()]
    if not doubts:
        return rest
    doubts = doubts[: LINES - rest.count("\n") - 3]
    return "\n".join([*doubts, f"  to see why: workbench check {run.root}", "", rest])


def _finding(run: Run) -> Headline:
    try:
        return headline(run)
    except (ValueError, KeyError) as fault:  # not analysed, or no correctness is known
        return Headline(f"Nothing can be said of accuracy: {str(fault).strip(chr(39))}.")


def _numbers(found: Headline) -> list[str]:
    """Return the headline's table with a condition a column, as many as fit, and its notes.

    Named conditions are told by their names alone, without a row for each of their factors.
    """
    if found.levels is None or found.levels.empty:
        return [line for note in found.notes for line in _wrapped(note)]
    text = format_table(found.levels)
    names = list(map(str, text.columns))
    columns = [names, *text.to_numpy(dtype=object).tolist()]
    order = _by_importance(columns, found.compared)
    if names[0] == CONDITION:
        rows = [n for n, name in enumerate(names) if not is_factor(name)]
        columns = [[column[n] for n in rows] for column in columns]
    widths = [max(map(len, column)) for column in columns]
    kept, width = [0], widths[0]
    for number in order:
        if width + 2 + widths[number] <= COLUMNS:
            width += 2 + widths[number]
            kept.append(number)
    kept.sort()
    lines = []
    for row in zip(*columns, strict=True):
        cells = [row[number].ljust(widths[number]) for number in kept]
        if any(cell.strip() not in ("", "-") for cell in cells[1:]):
            lines.append("  ".join(cells).rstrip())
    plain = names[0] == "temperature"
    if left := [f"T = {c[0]}" * plain or c[0] for n, c in enumerate(columns) if n not in kept]:
        most = 5 if plain else 2
        more = left if len(left) <= most else [*left[:most], "..."]
        lines += _wrapped(f"({', '.join(more)}: see the table accuracy_by_temperature)")
    notes = [note for note in found.notes if "→" not in note.partition(",")[0]]
    notes = notes or ["[low, high]: intervals over problems"]
    return [*lines, *(line for note in notes for line in _wrapped(note))]


def _by_importance(columns: Sequence[Sequence[str]], compared: Sequence[str]) -> list[int]:
    """Return the numbers of the conditions' columns: compared, hottest, coldest, others, greedy."""
    names = columns[0]
    heat = names.index("temperature") if "temperature" in names else 0
    greedy = [n for n, column in enumerate(columns) if n and column[heat] == "0"]
    first, *others = [n for n in range(1, len(columns)) if n not in greedy] or greedy
    order = [*others[-1:], first, *others[:-1], *(n for n in greedy if n != first)]
    return sorted(order, key=lambda n: columns[n][0] not in compared)  # stable


def _samples(run: Run) -> list[str]:
    """Return how many samples there are, and how many say less than they might."""
    if "statuses" not in run.tables:
        return []
    counts = run.table("statuses").select_dtypes("number").sum()
    odd = _counted(counts, WITHOUT_ANSWER)
    if unknown := int(counts.get("unknown", 0)):
        task = TASKS.get(run.experiment.task.name)
        of_programs = task is not None and task.programs  # whose time is up are wrong
        words = {
            name: said for name, said in UNKNOWN.items() if name != "timeout" or not of_programs
        }
        why = ", ".join(_counted(counts, words))
        odd.append(f"{unknown:,} of unknown correctness" + f" ({why})" * bool(why))
    beside = f": {', '.join(odd)}" if odd else ", all with an answer"
    return _wrapped(f"{int(counts['samples']):,} samples{beside} (table statuses)")


def _counted(counts: pd.Series[Any], words: Mapping[str, str]) -> list[str]:
    """Say how many there are of each; the table has no column of a status that no sample has."""
    there = {name: int(counts.get(name, 0)) for name in words}
    return [f"{there[name]:,} {said}" for name, said in words.items() if there[name]]


def _places(run: Run) -> list[str]:
    """Return where things are; a place is never broken, however long it is."""
    places = [
        f"page     {run.root / 'report.html'}  (open it in a browser)",
        f"tables   {run.root / 'tables'}  ({len(run.tables)}, as .csv and .md)",
        f"figures  {run.root / 'figures'}  (.png and .svg)",
    ]
    if tracked := str(run.manifest.get("tracked") or ""):
        local = tracked.startswith("trackio ")
        places.append(f"tracked  {tracked}" if local else f"W&B run  {tracked}")
        if not local and not tracked.startswith("http"):
            places.append(f"         wandb sync {tracked} uploads it")
    return places


def _next(run: Run) -> list[str]:
    """Return commands that one would type next, as a shell takes them."""
    more = f"workbench audit {run.root}   # answers that are right by a lenient rule only"
    generation = run.experiment.generation
    if generation.backend != "import" and not run.experiment.plugins:  # which have to be named
        more = f"workbench run {run.root} --set generation.n={2 * generation.n}   # more samples"
    factor = "conditions" if has_names(run.conditions) else "temperatures"
    return [
        f"workbench show {run.root} accuracy_by_k_temperature   # any table; --all of them",
        f"workbench compare {run.root}   # {factor} and selections, problem by problem",
        more,
    ]


def _wrapped(text: str) -> list[str]:
    return textwrap.wrap(text, COLUMNS, break_long_words=False, break_on_hyphens=False)
