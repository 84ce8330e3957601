"""How a run and a pool are shown in a notebook.

Plain HTML that takes its colours from the notebook's theme: text is never coloured, lines are half
transparent grey. The templates escape everything that comes from a run.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from workbench.analysis.doubts import doubts_of
from workbench.analysis.figures import FIGURES
from workbench.analysis.known_outcomes import largest_whole
from workbench.config.conditions import conditions_of, pool_sizes
from workbench.core.conditions import temperature_name
from workbench.core.table_html import render, table_cells
from workbench.core.table_text import spell_temperature
from workbench.core.types import UNANSWERED
from workbench.pools import Pool
from workbench.saved_run import Run
from workbench.storage.parquet import KEY
from workbench.storage.signature import condition_parts

HERE = Path(__file__).parent
STAGES = {
    "generate": "samples",
    "score": "answers, rewards, embeddings",
    "measure": "subsets",
    "analyze": "tables and figures",
}
"""What each stage makes, in order."""
HEADLINE = "accuracy_by_k_temperature"
MOST_ANSWERS = 12
"""Answers of a pool that are shown; those with fewer votes are counted."""
LONGEST = 300
"""Characters of a text or a question that are shown."""
MARKS = {1.0: "✓\u00a0right", 0.0: "✗\u00a0wrong"}


def run_html(run: Run) -> str:
    """Return what to doubt of a run, what it is, how far it is, what it found and what to type."""
    headline, k = None, 0
    if HEADLINE in run.tables and not (frame := run.table(HEADLINE)).empty:
        k = largest_whole(run.expectations, frame["k"])
        largest = frame[frame["k"] == k].drop(columns="k")
        largest.columns = largest.columns.str.replace("_correct", "")
        notes = [n for n in frame.attrs["notes"] if n.startswith(("[low", "*", "no interval"))]
        headline = table_cells(largest, notes)
    figures = list(FIGURES) if run.tables else []
    commands, stage_command = _next_commands(run)
    return render(
        HERE / "notebook_run.html.j2",
        run=run,
        doubts=doubts_of(run),
        experiment=_experiment_line(run),
        stages=_stage_rows(run),
        headline=headline,
        k=k,
        listed={"tables": run.tables, "figures": figures},
        commands=commands,
        stage_command=stage_command,
    )


def pool_html(pool: Pool) -> str:
    """Return a pool's question, where it is known, and its answers by falling votes."""
    known = pool.correct[~np.isnan(pool.correct)]
    distinct = len(set(pool.texts))
    facts = [
        _spelt(pool),
        f"{len(pool)} samples",
        f"{distinct} distinct text{'s' if distinct > 1 else ''}",
        f"{int(known.sum())} of {len(known)} right" if len(known) else "not judged",
    ]
    rows = list(_answers(pool))
    return render(
        HERE / "notebook_pool.html.j2",
        pool=pool,
        facts=facts,
        rows=rows[:MOST_ANSWERS],
        more=max(0, len(rows) - MOST_ANSWERS),
        shorten=_shorten,
    )


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
            _shorten(answer or ""),
            str(votes[place]),
            _correctness(pool.correct[inside]),
            _shorten(pool.texts[first[place]].strip()),
        ]


def _spelt(pool: Pool) -> str:
    """Say of which condition a pool is."""
    plain = pool.condition == temperature_name(pool.temperature)
    if plain:
        return f"temperature {spell_temperature(pool.temperature)}"
    return f"condition {pool.condition}"


def _correctness(correct: Any) -> str:
    """Say what is known of the members of a cluster, which need not agree."""
    values = {None if math.isnan(value) else float(value) for value in correct}
    if len(values) == 1:
        (value,) = values
        return "unknown" if value is None else MARKS[value]
    known = correct[~np.isnan(correct)]
    rest = f", {len(correct) - len(known)}\u00a0unknown" if len(known) < len(correct) else ""
    return f"{int(known.sum())} of {len(known)}\u00a0right{rest}"


def _experiment_line(run: Run) -> str:
    """Say what was run, in one line."""
    experiment = run.experiment
    settings = experiment.generation
    levels = condition_parts(run.conditions)
    facts = [
        f"task {experiment.task.name}",
        f"model {settings.model}",
        *(f"{name} = {spelt.replace(',', ', ')}" for name, spelt in levels.items()),
        f"N = {settings.n}",
    ]
    facts += ["a greedy sample each"] if settings.greedy else []
    facts.append(f"{len(run.problems):,} problems")
    return "; ".join(facts)


def _stage_rows(run: Run) -> list[list[str]]:
    """Return a row for each stage: how far it is, when it began and how long it took."""
    rows = []
    for name, made in STAGES.items():
        stage = run.manifest.get("stages", {}).get(name, {})
        status = str(stage.get("status", "not yet"))
        if name == "generate" and status != "done" and run.blocks:
            made = _samples_line(run)
        if status == "running":
            status = "running, or killed"
        started = str(stage.get("started", ""))[:16].replace("T", " ")
        seconds = f"{stage['seconds']:,.1f} s" if "seconds" in stage else ""
        rows.append([name, made, status, started, seconds])
    return rows


def _samples_line(run: Run) -> str:
    """Say how many samples there are of those that the run is to have."""
    there = sum(run.folder.read_samples(block, KEY).num_rows for block in run.blocks)
    wanted = len(run.problems) * sum(pool_sizes(run.experiment.generation).values())
    return f"{there:,} of {wanted:,} samples"


def _next_commands(run: Run) -> tuple[list[str], str]:
    """Return what to type next, and the command of an unfinished run's next stage alone."""
    stages = run.manifest.get("stages", {})
    missing = [name for name in STAGES if stages.get(name, {}).get("status") != "done"]
    if missing:
        return [f"workbench run {run.root}"], f"workbench {missing[0]} {run.root}"
    commands = [f'run.table("{HEADLINE}")', "run.plot.accuracy_by_k()"]
    if len(run.problems):
        problem = run.problems["problem_id"].iloc[0]
        last = conditions_of(run.experiment.generation)[-1]
        plain = last.name == temperature_name(last.temperature)
        commands.append(f"run.pool({problem!r}, {last.temperature if plain else repr(last.name)})")
    return commands, ""


def _shorten(text: str) -> str:
    """Return a text on one line, cut where it is long."""
    flat = " ".join(text.split())
    return flat if len(flat) <= LONGEST else f"{flat[:LONGEST]}…"
