"""Votes of several pools together: of several runs on the same problems, and of conditions.

Every pool that was sampled (a run in a condition, not greedily) is a voter, or those that are
named, and hands in k samples of each problem. Each pool is also shown with as many samples as all
pools spend together, and with as many tokens. Answers are compared across pools by the task's own
checker, so that "1/2" of one model and "0.5" of another are one answer.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from itertools import groupby
from pathlib import Path

import numpy as np
import pandas as pd

from workbench.analysis.aggregate import maj_at_k
from workbench.analysis.aggregate.batched import agreements, majority_picks, weighted_picks
from workbench.analysis.compare.chosen_pools import Voter, chosen_pools
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
EACH, SAMPLES, TOKENS, SPENT = "k samples", "equal samples", "equal tokens", "k of each pool"
"""What a row may spend on a problem."""

Row = tuple[int, str, str]
"""k, rule, budget."""


@dataclass(frozen=True, eq=False)
class Ballot:
    """What one pool answers to a problem, by sample."""

    answers: list[str | None]
    correct: Floats
    """1 or 0; NaN if unknown."""
    tokens: Floats
    """Drawn; NaN if unknown."""


@dataclass(frozen=True, eq=False)
class SharedProblem:
    """One problem's samples of known correctness, a part for each pool."""

    name: str
    clusters: list[Ints]
    """Numbered alike in all pools."""
    correct: list[Floats]
    mean_tokens: list[float]
    """Of a sample of each pool, over all of its samples; NaN if unknown."""
    unknown: int
    """Samples that are left out."""


def vote(
    runs: Sequence[Run | str | Path], k: Sequence[int] = (), pools: Sequence[str] = ()
) -> Table:
    """Let the pools of runs vote on the problems that they share, alone and together.

    Args:
        runs: scored runs of the same problems, or their folders; of one run its conditions vote.
        k: samples that each pool hands in; by default the first run's ``measure.k``.
        pools: which pools vote, as ``RUN:CONDITION``, or ``CONDITION`` of a single run; by default
            all that were sampled.

    Returns:
        A row per k, rule and budget. The rules are each pool's own majority (exact over all
        k-subsets), ``all, one vote each`` (the majority of all samples) and
        ``self_consistency_weighted`` (each pool's votes weighted by how far it agrees with
        itself), both over random draws. A pool alone has k samples, as many samples as all pools
        spend together, and as many tokens, where lengths are known. ``samples`` and ``tokens`` are
        those spent on a problem; ``difference`` is to ``all, one vote each`` on the same problems.
        A pool that has fewer samples than its budget has no value, which a note says.

    Raises:
        ValueError: a pool is not known, there are fewer than two, no problem in common, no pool of
            k samples, or a run is not scored.
    """
    opened = [run if isinstance(run, Run) else Run(run) for run in runs]
    names = names_of(opened)
    voters = chosen_pools(opened, names, pools)
    if len(opened) > 1:
        shared_problems(opened, names)
    first = opened[0]
    sizes = sorted({*(k or first.experiment.measure.k)})
    labels = [
        f"{name}, {spell_condition(at)}" if len(opened) > 1 else spell_condition(at)
        for name, at in voters
    ]
    problems = list(_shared_ballots(opened, names, voters))
    left_out = {s: sum(min(map(len, one.clusters)) < s for one in problems) for s in sizes}
    lengths = np.array([one.mean_tokens for one in problems]).reshape(-1, len(voters))
    tokens = lengths.mean(axis=0) if len(problems) else np.full(len(voters), np.nan)
    spent: dict[Row, float] = {}
    """Samples that a row spends on a problem."""
    for size in sizes:
        spent |= {(size, label, EACH): size for label in labels}
        spent |= {(size, label, SAMPLES): size * len(voters) for label in labels}
        if not np.isnan(tokens).any() and (tokens > 0).all():
            whole = size * tokens.sum()
            spent |= {
                (size, label, TOKENS): round(float(whole / own), 6)
                for label, own in zip(labels, tokens, strict=True)
            }
        spent |= {(size, rule, SPENT): size * len(voters) for rule in (TOGETHER, WEIGHTED)}
    values = {row: np.full(len(problems), np.nan) for row in spent}
    for place, problem in enumerate(problems):
        fewest = min(map(len, problem.clusters))
        for size in (size for size in sizes if size <= fewest):
            rng = pool_rng(first.experiment.measure.seed, f"vote|{problem.name}", 0.0, size)
            drawn = _joint_votes(problem.clusters, problem.correct, size, rng)
            for rule, value in drawn.items():
                values[size, rule, SPENT][place] = value
            for label, own, right in zip(labels, problem.clusters, problem.correct, strict=True):
                for budget in (EACH, SAMPLES, TOKENS):
                    if (row := (size, label, budget)) in spent:
                        values[row][place] = _own_vote(own, right, spent[row])
    table = _table(first, values, spent, dict(zip(labels, tokens, strict=True)))
    return Table(table, tuple(_notes(table, sum(one.unknown for one in problems), left_out)))


def _own_vote(clusters: Ints, correct: Floats, samples: float) -> float:
    """Return a pool's own majority at a number of samples; NaN where it has fewer.

    Between two whole numbers, such as 3.25: a vote of 4 in a quarter of the cases, of 3 in others.
    """
    low, high = math.floor(samples), math.ceil(samples)
    if not 1 <= low <= high <= len(clusters):
        return math.nan
    below, above = maj_at_k(clusters, correct, [low, high])
    return float(below + (samples - low) * (above - below))


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
) -> Iterator[SharedProblem]:
    """Yield each problem that all voters have, their clusters numbered alike."""
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
            asked = [[a for one in ballots for a in one.answers] for ballots in held.values()]
            questions = [
                (None, [None if a is None else comparer.canonical(a) for a in answers])
                for answers in asked
            ]
            graded = comparer.run(questions)
            for (problem, ballots), (_, numbers) in zip(held.items(), graded, strict=True):
                ends = np.cumsum([len(one.answers) for one in ballots])[:-1]
                clusters = np.split(np.asarray(numbers, dtype=np.int64), ends)
                known = [~np.isnan(one.correct) for one in ballots]
                yield SharedProblem(
                    problem,
                    [own[judged] for own, judged in zip(clusters, known, strict=True)],
                    [one.correct[judged] for one, judged in zip(ballots, known, strict=True)],
                    [float(one.tokens.mean()) for one in ballots],
                    sum(int((~judged).sum()) for judged in known),
                )


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
        drawn = pool.num_tokens if pool.total_tokens is None else pool.total_tokens
        ballot = Ballot(said, pool.correct, np.asarray(drawn, dtype=float))
        found.setdefault(pool.problem_id, {})[pool.condition] = ballot
    return found


def _table(
    first: Run,
    values: Mapping[Row, Floats],
    spent: Mapping[Row, float],
    tokens: Mapping[str, float],
) -> pd.DataFrame:
    """Return a row per k, rule and budget: accuracy, and the difference to one vote each."""
    settings = first.experiment.analysis
    resamples, confidence, seed = settings.resamples, settings.confidence, settings.seed
    sizes = dict.fromkeys(size for size, _, _ in values)
    parts = []
    for size in sizes:
        rows = [row for row in values if row[0] == size]
        together = values[size, TOGETHER, SPENT]
        kept = ~np.isnan(together)
        if not kept.any():
            continue
        found = pd.DataFrame({place: values[row][kept] for place, row in enumerate(rows)})
        rng = np.random.default_rng(seed)
        means = bootstrap_means(
            found, found.index, resamples=resamples, confidence=confidence, rng=rng
        )
        gaps = found.sub(together[kept], axis=0)
        rng = np.random.default_rng(seed)
        judged = compare_columns(gaps, resamples=resamples, confidence=confidence, rng=rng)
        part = pd.DataFrame(rows, columns=["k", "rule", "budget"])
        joint = np.array([budget == SPENT for _, _, budget in rows])
        whole = size * sum(tokens.values())
        part["samples"] = [spent[row] for row in rows]
        part["tokens"] = [
            whole if rule not in tokens else spent[size, rule, budget] * tokens[rule]
            for _, rule, budget in rows
        ]
        part["accuracy"] = means.value
        part["accuracy_low"], part["accuracy_high"] = means.low, means.high
        itself = np.array([rule == TOGETHER for _, rule, _ in rows]) & joint
        for name, end in (("value", ""), ("low", "_low"), ("high", "_high"), ("p", "_p")):
            column = np.array([getattr(paired, name) for paired in judged])
            part[f"difference{end}"] = np.where(itself, np.nan, column)
        parts.append(part.assign(problems=found.notna().sum().to_numpy()))
    if not parts:
        raise ValueError(
            f"no problem has {min(sizes)} samples of every pool; lower --k, or draw more samples"
        )
    return with_q_values(pd.concat(parts, ignore_index=True))


def _notes(table: pd.DataFrame, unknown: int, left_out: Mapping[int, int]) -> Iterator[str]:
    yield (
        "each pool hands in k samples of a problem; alone: its own majority, exact over all "
        f"k-subsets; together: {DRAWS} random draws"
    )
    yield f"{WEIGHTED}: a pool's votes weigh as much as the share of its samples that agree"
    yield f"difference: to {TOGETHER!r}, on the same problems; samples, tokens: spent on a problem"
    yield (
        f"budget of a pool alone: {EACH}; {SAMPLES}: as many samples as all pools spend together; "
        f"{TOKENS}: as many tokens of completions, on average over the problems (a vote of 3.2 "
        "samples is of 3 or 4)"
    )
    if table["tokens"].isna().all():
        yield f"no rows of {TOKENS}: not every sample's length is known"
    joint = table[table["budget"] == SPENT].groupby("k")["problems"].first()
    short = table[table["problems"] < table["k"].map(joint)]
    for row in short.to_dict("records"):
        lacking = joint[row["k"]] - row["problems"]
        yield (
            f"k = {row['k']}, {row['budget']}: {row['rule']} has fewer than {row['samples']:g} "
            f"samples in {lacking:,} of {joint[row['k']]:,} problems, which are left out of its row"
        )
    if unknown:
        yield f"{unknown:,} samples of unknown correctness are left out: they have no vote"
    for size, count in left_out.items():
        if count:
            yield f"k = {size}: {count:,} problems without {size} samples of every pool left out"
    if table["problems"].min() < MIN_PROBLEMS:
        yield f"no intervals below {MIN_PROBLEMS} problems"
    yield star_note("is not 0")
