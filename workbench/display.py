"""How a run, a pool and a table show themselves in a notebook.

Plain HTML that takes its colours from the notebook's theme: text is never coloured, lines are half
transparent grey. Everything that comes from a run is escaped.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Iterator, Sequence
from html import escape
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from workbench.cells import merged
from workbench.generate.identity import pool_sizes
from workbench.lookup import lookup
from workbench.signature import spell_temperature
from workbench.store import KEY
from workbench.types import UNANSWERED

if TYPE_CHECKING:
    from workbench.run import Run
    from workbench.types import Pool

STYLE = """<style>
.workbench { line-height: 1.45; overflow-x: auto; }
.workbench table.rows { border-collapse: collapse; margin: 0.5em 0; }
.workbench table.rows th, .workbench table.rows td {
  border: 0; border-bottom: 1px solid rgba(128, 128, 128, 0.35); padding: 0.15em 0.5em;
  vertical-align: top;
}
.workbench table.rows .number { font-variant-numeric: tabular-nums; }
.workbench small { opacity: 0.75; }
.workbench .wide .number small { display: block; }
.workbench ul { margin: 0.3em 0; padding-left: 1.3em; font-size: 0.9em; opacity: 0.85; }
.workbench p { margin: 0.3em 0; }
.workbench code { overflow-wrap: anywhere; background: none; }
</style>"""
# Said in each cell: a notebook that somebody else ran, or a page that renders one, drops <style>.
TEXT = ' style="text-align: left"'
NUMBER = ' class="number" style="text-align: right"'
NO_BREAK = "\u00a0"
STAGES = {
    "generate": "samples", "score": "answers, rewards, embeddings", "measure": "subsets",
    "analyze": "tables and figures",
}  # fmt: skip
"""What each stage makes, in order."""
HEADLINE = "accuracy_by_k_temperature"
MOST_ANSWERS = 12
"""Answers of a pool that are shown; those with fewer votes are counted."""
NARROW = 6
"""Columns up to which an interval stands beside its number; with more of them, beneath."""
LONGEST = 300
"""Characters of a text or a question that are shown."""
MARKS = {1.0: "✓\u00a0right", 0.0: "✗\u00a0wrong"}


class Shown(pd.DataFrame):
    """A table of numbers that a notebook shows as the command line prints it.

    An interval stands in its number's cell, the table's notes stand beneath. What is chosen from it
    by rows or columns shows itself likewise; anything else made of it as pandas does.
    """

    @property
    def _constructor(self) -> type[Shown]:
        return Shown

    def only(self, *names: str) -> Shown:
        """Return these columns, each with what belongs to it: its interval, its p and q.

        Raises:
            ValueError: there is no such column.
        """
        columns = {str(name): str(name) for name in self.columns}
        wanted = [lookup(columns, name, "column") for name in names]
        ends = ("", "_low", "_high", "_p", "_q")
        kept: Shown = self[[f"{n}{end}" for n in wanted for end in ends if f"{n}{end}" in columns]]
        return kept

    def _repr_html_(self) -> str | None:
        """Return HTML; pandas' own where columns or rows have other names than a table's."""
        numbered = self.index.nlevels == 1 and pd.api.types.is_integer_dtype(self.index)
        named = self.columns.is_unique and all(isinstance(name, str) for name in self.columns)
        if not (named and numbered and self.index.name is None):
            plain: str | None = getattr(super(), "_repr_html_")()  # noqa: B009  untyped in pandas
            return plain
        return table_html(self, self.attrs.get("notes", ()))


def with_notes(frame: pd.DataFrame, notes: Iterable[str]) -> Shown:
    """Return a table of numbers that shows itself with what stands beneath it."""
    shown = Shown(frame)
    shown.attrs["notes"] = list(notes)
    return shown


def table_html(frame: pd.DataFrame, notes: Iterable[str] = ()) -> str:
    """Return a table of numbers as HTML, with its notes; of a long one both ends.

    Args:
        frame: numbers, with their bounds in columns ``…_low`` and ``…_high``.
        notes: what stands beneath, a line each.
    """
    said = _list(notes)
    if frame.empty:
        return _page(f"<p>(empty)</p>{said}")
    most = pd.get_option("display.max_rows") or len(frame)
    half = most // 2 if len(frame) > most else len(frame)
    parts = [frame.iloc[:half], frame.iloc[half:].tail(half)]
    texts = [merged(part, gap="\n").to_numpy(dtype=object).tolist() for part in parts if len(part)]
    names = [str(name) for name in merged(frame.head(1)).columns]
    right = {i for i, name in enumerate(names) if pd.api.types.is_numeric_dtype(frame[name].dtype)}
    rows = texts[0]
    if len(frame) > most:
        rows = [*texts[0], ["…"] * len(names), *texts[1]]
        said = f"<p>{len(frame):,} rows, of which {2 * half} are shown</p>{said}"
    return _page(_grid(names, rows, right) + said)


def run_html(run: Run) -> str:
    """Return what a run is, how far it has come, what it found, and what to type next."""
    parts = [f"<p><strong>{escape(run.signature)}</strong></p>", f"<p>{_asked(run)}</p>"]
    parts.append(_stages(run))
    if HEADLINE in run.tables:
        frame = run.table(HEADLINE)
        if not frame.empty:
            k = frame["k"].max()
            largest = frame[frame["k"] == k].drop(columns="k")
            largest.columns = largest.columns.str.replace("_correct", "")
            notes = [n for n in frame.attrs["notes"] if n.startswith(("[low", "*", "no interval"))]
            parts += [f"<p>Share of problems right, of {k} samples each:</p>"]
            parts += [_inner(largest), _list(notes)]
    names = {"tables": run.tables, "figures": _figures(run) if run.tables else []}
    for kind, found in names.items():
        if found:
            listed = ", ".join(f"<code>{escape(name)}</code>" for name in found)
            parts.append(f"<details><summary>{len(found)} {kind}</summary>{listed}</details>")
    parts.append(f"<p>Next: {_next(run)}</p>")
    return _page("".join(parts))


def pool_html(pool: Pool) -> str:
    """Return a pool's question, where it is known, and its answers by falling votes."""
    known = pool.correct[~np.isnan(pool.correct)]
    distinct = len(set(pool.texts))
    facts = [
        f"temperature {spell_temperature(pool.temperature)}", f"{len(pool)} samples",
        f"{distinct} distinct text{'s' if distinct > 1 else ''}",
    ]  # fmt: skip
    facts.append(f"{int(known.sum())} of {len(known)} right" if len(known) else "not judged")
    parts = [f"<p><strong>{escape(pool.problem_id)}</strong>: {', '.join(facts)}</p>"]
    if pool.problem is not None:
        gold = pool.problem.gold
        answer = "" if gold is None else f" <small>known answer: {escape(_short(gold))}</small>"
        parts.append(f"<p>{escape(_short(pool.problem.question))}{answer}</p>")
    rows = list(_answers(pool))
    names = ["answer", "votes", "correct", "first text"]
    parts.append(_grid(names, rows[:MOST_ANSWERS], {1}))
    left = len(rows) - MOST_ANSWERS
    if left > 0:
        parts.append(f"<p>and {left} more answer{'s' if left > 1 else ''}</p>")
    return _page("".join(parts))


def _answers(pool: Pool) -> Iterator[list[str]]:
    """Yield (answer, votes, correctness, first text) of each cluster; the unanswered come last."""
    clusters, first, votes = np.unique(pool.clusters, return_index=True, return_counts=True)
    for place in np.lexsort((first, -votes, clusters == UNANSWERED)):
        inside = pool.clusters == clusters[place]
        answer = pool.answers[first[place]]
        nobody = clusters[place] == UNANSWERED
        if nobody:
            statuses = {pool.statuses[i] for i in np.flatnonzero(inside)}
            answer = f"({', '.join(sorted(statuses))})"
        yield [
            _short(answer or ""), str(votes[place]), _correctness(pool.correct[inside]),
            _short(pool.texts[first[place]].strip()),
        ]  # fmt: skip


def _correctness(correct: Any) -> str:
    """Say what is known of the members of a cluster, which need not agree."""
    values = {None if math.isnan(value) else float(value) for value in correct}
    if len(values) == 1:
        (value,) = values
        return "unknown" if value is None else MARKS[value]
    return f"{int(np.nansum(correct))} of {len(correct)}\u00a0right"


def _asked(run: Run) -> str:
    """Say what was run, in one line."""
    experiment = run.experiment
    settings = experiment.generation
    temperatures = ", ".join(map(spell_temperature, settings.temperatures))
    facts = [
        f"task {experiment.task.name}", f"model {settings.model}", f"T = {temperatures}",
        f"N = {settings.n}",
    ]  # fmt: skip
    facts += ["a greedy sample each"] if settings.greedy else []
    facts.append(f"{len(run.problems):,} problems")
    return escape("; ".join(facts))


def _stages(run: Run) -> str:
    """Return a line for each stage: how far it is, when it began and how long it took."""
    rows = []
    for name, made in STAGES.items():
        stage = run.manifest.get("stages", {}).get(name, {})
        status = str(stage.get("status", "not yet"))
        if name == "generate" and status != "done" and run.blocks:
            made = _drawn(run)
        if status == "running":
            status = "running, or killed"
        started = str(stage.get("started", ""))[:16].replace("T", " ")
        seconds = f"{stage['seconds']:,.1f} s" if "seconds" in stage else ""
        rows.append([name, made, status, started, seconds])
    return _grid(["stage", "makes", "status", "started, UTC", "took"], rows, {4})


def _drawn(run: Run) -> str:
    """Say how many samples there are of those that the run is to have."""
    there = sum(run.folder.read_samples(block, KEY).num_rows for block in run.blocks)
    wanted = len(run.problems) * sum(pool_sizes(run.experiment.generation).values())
    return f"{there:,} of {wanted:,} samples"


def _next(run: Run) -> str:
    """Say what to type: the next stage of an unfinished run, or where to look."""
    stages = run.manifest.get("stages", {})
    missing = [name for name in STAGES if stages.get(name, {}).get("status") != "done"]
    if missing:
        only = f" (or only <code>workbench {missing[0]} {escape(str(run.root))}</code>)"
        return f"<code>workbench run {escape(str(run.root))}</code>{only}"
    places = [f'run.table("{HEADLINE}")', "run.plot.accuracy_by_k()"]
    if len(run.problems):
        problem = run.problems["problem_id"].iloc[0]
        temperature = run.experiment.generation.temperatures[-1]
        places.append(f"run.pool({problem!r}, {temperature})")
    return ", ".join(f"<code>{escape(place)}</code>" for place in places)


def _figures(run: Run) -> list[str]:
    return dir(run.plot) if hasattr(run, "plot") else []


def _inner(frame: pd.DataFrame) -> str:
    """A table without its surroundings."""
    return table_html(frame).removeprefix(_OPEN).removesuffix(_CLOSE)


def _grid(names: Sequence[str], rows: Sequence[Sequence[str]], right: Collection[int]) -> str:
    """Return a table; what follows a line break in a cell is set small. Escapes all it is given."""

    def line(tag: str, cells: Sequence[str]) -> Iterator[str]:
        for place, cell in enumerate(cells):
            head, gap, rest = cell.partition("\n")
            kind = NUMBER if place in right else TEXT
            small = f" <small>{escape(rest.replace(' ', NO_BREAK))}</small>" if gap else ""
            yield f"<{tag}{kind}>{escape(head)}{small}</{tag}>"

    head = f"<thead><tr>{''.join(line('th', names))}</tr></thead>"
    body = "".join(f"<tr>{''.join(line('td', row))}</tr>" for row in rows)
    wide = " wide" if len(names) > NARROW else ""
    return f'<table class="rows{wide}">{head}<tbody>{body}</tbody></table>'


def _list(notes: Iterable[str]) -> str:
    items = "".join(f"<li>{escape(note)}</li>" for note in notes)
    return f"<ul>{items}</ul>" if items else ""


_OPEN, _CLOSE = f'{STYLE}<div class="workbench">', "</div>"


def _page(body: str) -> str:
    return f"{_OPEN}{body}{_CLOSE}"


def _short(text: str) -> str:
    """Return a text on one line, cut where it is long."""
    flat = " ".join(text.split())
    return flat if len(flat) <= LONGEST else f"{flat[:LONGEST]}…"
