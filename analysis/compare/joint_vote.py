"""Votes of several pools together: of several runs on the same problems, and of conditions.

Every pool that was sampled (a run in a condition, not greedily) is a voter, and hands in k samples
of each problem. Answers are compared across pools by the task's own checker, so that "1/2" of one
model and "0.5" of another are one answer.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache, partial
from itertools import groupby
from pathlib import Path

import numpy as np
import pandas as pd

from workbench.analysis.aggregate import maj_at_k
from workbench.analysis.aggregate.batched import agreements, majority_picks, weighted_picks
from workbench.analysis.compare.settings import names_of, shared_problems
from workbench.analysis.frames import Table, with_q_values
from workbench.analysis.stats.bootstrap import MIN_PROBLEMS, bootstrap_means
from workbench.analysis.stats.paired import compare_columns
from workbench.analysis.tables.shared import star_note
from workbench.core.conditions import spell_condition
from workbench.core.subsets import draw_subsets, pool_rng
from workbench.core.types import NOBODY, Floats, Ints
from workbench.saved_run import Run
from workbench.tasks import TASKS
from workbench.tasks.answer_checking import Comparer

DRAWS = 100
"""Random draws of k samples from every pool, behind each value without a closed form."""
TOGETHER, WEIGHTED = "all, one vote each", "self_consistency_weighted"

Voter = tuple[str, str]
"""A run's name and a condition."""
Ballot = tuple[list[str | None], Floats]
"""What one pool answers to a problem, by sample, and whether it is right: 1, 0, NaN if unknown."""


def vote(runs: Sequence[Run | str | Path], k: Sequence[int] = ()) -> Table:
    """Let the pools of runs vote on the problems that they share, alone and together.

    Args:
        runs: scored runs of the same problems, or their folders; of one run its conditions vote.
        k: samples that each pool hands in; by default the first run's ``measure.k``.

    Returns:
        A row per k and rule: each pool's own majority (exact over all k-subsets), ``all, one vote
        each`` (the majority of all samples) and ``self_consistency_weighted`` (each pool's votes
        weighted by how far it agrees with itself), both over random draws. ``samples`` are those
        spent on a problem; ``difference`` is to ``all, one vote each`` on the same problems.

    Raises:
        ValueError: there are fewer than two pools, no problem in common, no pool of k samples, or
            a run is not scored.
    """
    opened = [run if isinstance(run, Run) else Run(run) for run in runs]
    names = names_of(opened)
    if len(opened) > 1:
        shared_problems(opened, names)
    first = opened[0]
    voters = [
        (name, one.name)
        for name, run in zip(names, opened, strict=True)
        for one in run.conditions
        if one.temperature != 0
    ]
    if len(voters) < 2:
        raise ValueError(
            f"{first.root} has one sampled pool per problem, and a joint vote needs two; name "
            "several runs, or a run of several conditions"
        )
    sizes = sorted({*(k or first.experiment.measure.k)})
    labels = [
        f"{name}, {spell_condition(at)}" if len(opened) > 1 else spell_condition(at)
        for name, at in voters
    ]
    rows: dict[int, dict[str, list[float]]] = {
        size: {label: [] for label in [*labels, TOGETHER, WEIGHTED]} for size in sizes
    }
    unknown, left_out = 0, dict.fromkeys(sizes, 0)
    for problem, given, correct in _shared_ballots(opened, names, voters):
        known = [~np.isnan(right) for right in correct]
        unknown += sum(int((~judged).sum()) for judged in known)
        clusters = [own[judged] for own, judged in zip(given, known, strict=True)]
        whole = [right[judged] for right, judged in zip(correct, known, strict=True)]
        for size in sizes:
            if min(map(len, clusters)) < size:
                left_out[size] += 1
                continue
            for label, own, right in zip(labels, clusters, whole, strict=True):
                rows[size][label].append(maj_at_k(own, right, size))
            rng = pool_rng(first.experiment.measure.seed, f"vote|{problem}", 0.0, size)
            for label, value in _joint_votes(clusters, whole, size, rng).items():
                rows[size][label].append(value)
    table = _table(first, rows, len(voters))
    return Table(table, tuple(_notes(table, unknown, left_out)))


def _joint_votes(
    clusters: Sequence[Ints], correct: Sequence[Floats], size: int, rng: np.random.Generator
) -> dict[str, float]:
    """Return how often the joint votes on one problem are right, over random draws."""
    starts = np.cumsum([0, *map(len, clusters)])[:-1]
    drawn = [draw_subsets(len(own), size, DRAWS, rng) for own in clusters]
    shares = [agreements(own, s) / size for own, s in zip(clusters, drawn, strict=True)]
    weights = np.repeat(np.stack(shares, axis=1), size, axis=1)
    # of equal answers whoever comes first is picked, so nobody is always first
    order = np.argsort(rng.random(weights.shape), axis=1)
    members = np.concatenate([s + start for s, start in zip(drawn, starts, strict=True)], axis=1)
    members = np.take_along_axis(members, order, axis=1)
    everyone, right = np.concatenate(clusters), np.concatenate(correct)
    picks = {
        TOGETHER: majority_picks(everyone, members),
        WEIGHTED: weighted_picks(everyone, np.take_along_axis(weights, order, axis=1), members),
    }
    found = {}
    for name, places in picks.items():
        chosen = members[np.arange(DRAWS), np.maximum(places, 0)]
        found[name] = float(np.where(places == NOBODY, 0.0, right[chosen]).mean())
    return found


def _shared_ballots(
    runs: Sequence[Run], names: Sequence[str], voters: Sequence[Voter]
) -> Iterator[tuple[str, list[Ints], list[Floats]]]:
    """Yield each shared problem with every voter's clusters, numbered alike, and correctness."""
    homes = [_blocks_of(run) for run in runs]
    readers = [lru_cache(maxsize=1)(partial(_ballots, run)) for run in runs]
    shared = [problem for problem in homes[0] if all(problem in home for home in homes[1:])]
    task = runs[0].experiment.task
    with Comparer(TASKS[task.name].checker(task)) as comparer:
        for _, problems in groupby(shared, key=homes[0].__getitem__):
            held: dict[str, list[Ballot]] = {}
            for problem in problems:
                said = {
                    (name, at): ballot
                    for name, home, read in zip(names, homes, readers, strict=True)
                    for at, ballot in read(home[problem]).get(problem, {}).items()
                }
                if all(voter in said for voter in voters):
                    held[problem] = [said[voter] for voter in voters]
            asked = [[a for answers, _ in ballots for a in answers] for ballots in held.values()]
            questions = [
                (None, [None if a is None else comparer.canonical(a) for a in answers])
                for answers in asked
            ]
            graded = comparer.run(questions)
            for (problem, ballots), (_, numbers) in zip(held.items(), graded, strict=True):
                ends = np.cumsum([len(answers) for answers, _ in ballots])[:-1]
                clusters = np.split(np.asarray(numbers, dtype=np.int64), ends)
                yield problem, clusters, [correct for _, correct in ballots]


def _blocks_of(run: Run) -> dict[str, int]:
    """Return the block of each problem, in order."""
    size = int(run.manifest["problems_per_block"])
    held = {*run.blocks}
    known = enumerate(run.folder.read_problems())
    return {item.problem.id: place // size for place, item in known if place // size in held}


def _ballots(run: Run, block: int) -> Mapping[str, Mapping[str, Ballot]]:
    """Return a block's answers by problem and condition."""
    found: dict[str, dict[str, Ballot]] = {}
    for pool in run.pools(block, with_embeddings=False):
        # clusters say who answered; the answers, which of another run's they equal
        said = [a if c >= 0 else None for a, c in zip(pool.answers, pool.clusters, strict=True)]
        found.setdefault(pool.problem_id, {})[pool.condition] = said, pool.correct
    return found


def _table(
    first: Run, rows: Mapping[int, Mapping[str, Sequence[float]]], pools: int
) -> pd.DataFrame:
    """Return a row per k and rule: accuracy, and the difference to one vote each."""
    settings = first.experiment.analysis
    resamples, confidence, seed = settings.resamples, settings.confidence, settings.seed
    parts = []
    for size, by_rule in rows.items():
        values = pd.DataFrame(by_rule)
        if values.empty:
            continue
        rng = np.random.default_rng(seed)
        means = bootstrap_means(
            values, values.index, resamples=resamples, confidence=confidence, rng=rng
        )
        gaps = values.sub(values[TOGETHER], axis=0).drop(columns=TOGETHER)
        rng = np.random.default_rng(seed)
        judged = compare_columns(gaps, resamples=resamples, confidence=confidence, rng=rng)
        part = pd.DataFrame({"k": size, "rule": values.columns}).set_index("rule", drop=False)
        part["samples"] = size * np.where(part.index.isin([TOGETHER, WEIGHTED]), pools, 1)
        part["accuracy"] = means.value
        part["accuracy_low"], part["accuracy_high"] = means.low, means.high
        for name, end in (("value", ""), ("low", "_low"), ("high", "_high"), ("p", "_p")):
            found = [getattr(paired, name) for paired in judged]
            part[f"difference{end}"] = pd.Series(found, gaps.columns)
        parts.append(part.assign(problems=len(values)))
    if not parts:
        raise ValueError(
            f"no problem has {min(rows)} samples of every pool; lower --k, or draw more samples"
        )
    return with_q_values(pd.concat(parts, ignore_index=True))


def _notes(table: pd.DataFrame, unknown: int, left_out: Mapping[int, int]) -> Iterator[str]:
    yield (
        "each pool hands in k samples of a problem; alone: its own majority, exact over all "
        f"k-subsets; together: {DRAWS} random draws"
    )
    yield f"{WEIGHTED}: a pool's votes weigh as much as the share of its samples that agree"
    yield f"difference: to {TOGETHER!r}, on the same problems; samples: spent on one problem"
    if unknown:
        yield f"{unknown:,} samples of unknown correctness are left out: they have no vote"
    for size, count in left_out.items():
        if count:
            yield f"k = {size}: {count:,} problems without {size} samples of every pool left out"
    if table["problems"].min() < MIN_PROBLEMS:
        yield f"no intervals below {MIN_PROBLEMS} problems"
    yield star_note("is not 0")
