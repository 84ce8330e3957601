"""PRUNERS: which m of a pool's N samples are kept, and how good the kept ones are."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from workbench.analysis.aggregate.diverse_subsets import farthest_point, greedy_map, k_dpp
from workbench.analysis.aggregate.medoids import k_medoids
from workbench.analysis.aggregate.outcomes import exact_means, picked
from workbench.analysis.aggregate.temperature_mixture import samples_of
from workbench.config.schema import Measure, Selection
from workbench.core.conditions import drawing_key
from workbench.core.name_table import NameTable
from workbench.core.subsets import choose_subsets, pool_rng
from workbench.core.types import NOBODY, Floats, Ints
from workbench.pools import Pool

LEAST_JITTER = 1e-9
"""With less, rounding could make the kernel of repeated texts indefinite."""
ORDERS = 4
"""Random orders in which a set chosen without chance is looked at: they break ties."""


Rngs = Sequence[np.random.Generator]


class PruningSettings(NamedTuple):
    """What the methods are told beside the pool."""

    replicates: int
    """Draws of a random method."""
    jitter: float
    """Added to the diagonal of the kernel, so that repeats can be kept: they come last."""
    reward: str | None


@dataclass(frozen=True, slots=True)
class Pruner:
    """A way to keep m of a pool's samples."""

    keep: Callable[[Pool, Sequence[int], PruningSettings, Rngs], list[Ints]]
    """(pool, sizes m, settings, a generator for each m) -> for each m, (S, m) sets of samples.

    All m of a pool at once, as most of the work is the same for each."""
    summary: str
    needs: tuple[str, ...] = ()
    """``embeddings`` or ``rewards``: a pool without is left out."""

    def __repr__(self) -> str:
        """Say what it keeps."""
        return f"Pruner({self.summary!r}, needs={self.needs})"


def _k_medoids_reward(
    pool: Pool, sizes: Sequence[int], settings: PruningSettings, rngs: Rngs
) -> list[Ints]:
    both = _reward_and_likelihood(pool, settings.reward)
    missing = ~np.isfinite(both).all(axis=1)
    placed = np.flatnonzero(~missing)
    points = both[placed] - both[placed].mean(axis=0)
    points /= np.where(np.ptp(both[placed], axis=0) > 0, points.std(axis=0), 1.0)
    apart = np.hypot(*(axis[:, None] - axis for axis in points.T))
    medoids = k_medoids(apart, [min(m, len(placed)) for m in sizes])
    # a sample without a reward lies nowhere: kept only once no other is left
    rest = np.flatnonzero(missing)
    return [
        np.concatenate([placed[own], rest])[None, :m] for m, own in zip(sizes, medoids, strict=True)
    ]


EVERYTHING = "all"
"""The method of the rows in which nothing is left out."""

# New ones go to the end: a method's seeds depend on its place.
PRUNERS = NameTable("pruner", {
    "random": Pruner(
        lambda pool, sizes, told, rngs: [
            choose_subsets(len(pool), m, told.replicates, rng)
            for m, rng in zip(sizes, rngs, strict=True)
        ],
        "any m, evenly",
    ),
    "k_medoids": Pruner(
        lambda pool, sizes, *_: [kept[None] for kept in k_medoids(1.0 - pool.similarity, sizes)],
        "k-medoids by cosine distance",
        ("embeddings",),
    ),
    "k_medoids_reward": Pruner(
        _k_medoids_reward, "k-medoids by reward and likelihood, each standardised", ("rewards",)
    ),
    "k_dpp": Pruner(
        lambda pool, sizes, told, rngs: k_dpp(_kernel(pool, told), sizes, told.replicates, rngs),
        "k-DPP draws by cosine similarity",
        ("embeddings",),
    ),
    "greedy_map": Pruner(
        lambda pool, sizes, told, _: _first_ones(greedy_map, _kernel(pool, told), sizes),
        "greedy largest determinant",
        ("embeddings",),
    ),
    "farthest_point": Pruner(
        lambda pool, sizes, *_: _first_ones(farthest_point, 1.0 - pool.similarity, sizes),
        "farthest point by cosine distance",
        ("embeddings",),
    ),
})  # fmt: skip


def prune_pool(pool: Pool, measured: Measure, selection: Selection) -> list[dict[str, Any]]:
    """Keep m of a pool's N samples in every way, and look at the kept ones with every selection.

    A sample that failed to be drawn cannot be kept, and one of unknown correctness is left out, so
    they do not count among the N. ``measured`` says how many sets a random method draws, from which
    seed, and the jitter of the kernel.

    Returns:
        A row per method and m: the powers of two from 2 to below N, and N itself under the method
        ``all``. Outcomes are means over the sets a method draws, and over random orders of a set
        that it chooses without chance, so that ties are broken evenly; those of ``random`` and
        ``all`` are exact over all sets where a closed form is known. ``num_unknown`` counts the
        samples of unknown correctness that were drawn. No rows for a pool of less than two samples,
        nor for a method that lacks what it needs.
    """
    pool = samples_of([pool], np.flatnonzero(np.array(pool.statuses) != "error"))
    judged = ~np.isnan(pool.correct)
    unknown = len(pool) - int(judged.sum())
    pool = samples_of([pool], np.flatnonzero(judged)) if unknown else pool
    size = len(pool)
    if size < 2:
        return []
    whole = sorted({2**power for power in range(1, size.bit_length())} | {size})
    drawn_by = drawing_key(pool.condition, pool.temperature)
    # the generators of the subsets that are measured at k = m
    shared = [pool_rng(measured.seed, pool.problem_id, drawn_by, m) for m in whole]
    jitter = max(measured.dpp_jitter, LEAST_JITTER)
    settings = PruningSettings(measured.replicates, jitter, selection.reward)
    own = [rng.spawn(len(PRUNERS)) for rng in shared]
    kept: dict[str, list[Ints]] = {}
    for place, (name, pruner) in enumerate(PRUNERS.items()):
        if name == "random":
            kept[name] = pruner.keep(pool, whole, settings, shared)
        elif size > 2 and not _lacking(pool, pruner, selection.reward):
            rngs = [rngs[place] for rngs in own[:-1]]
            sets = pruner.keep(pool, whole[:-1], settings, rngs)
            kept[name] = [_in_any_order(*both) for both in zip(sets, rngs, strict=True)]
    exact = exact_means(pool, np.array(whole), selection)
    rows: list[dict[str, Any]] = []
    for place, m in enumerate(whole):
        there = {name: sets[place] for name, sets in kept.items() if place < len(sets)}
        over_all = {name: float(values[place]) for name, values in exact.items()}
        for name, outcomes in _outcomes(pool, there, over_all, selection).items():
            method = EVERYTHING if m == size else name
            rows.append(
                {
                    **pool.key,
                    "m": m,
                    "method": method,
                    "n": size,
                    "num_unknown": unknown,
                    **outcomes,
                }
            )
    return rows


def _outcomes(
    pool: Pool, sets: Mapping[str, Ints], exact: Mapping[str, float], selection: Selection
) -> dict[str, dict[str, float]]:
    """Mean outcomes of the sets (S, m) of each method; for ``random`` the exact ones there are."""
    stacked = np.concatenate(list(sets.values()))  # picks are made of all methods' at once
    counts = [len(some) for some in sets.values()]
    starts = np.cumsum([0, *counts[:-1]])
    found: dict[str, dict[str, float]] = {name: {} for name in sets}
    for rule in ("coverage", *selection.aggregators):
        column, chosen = rule, stacked
        if rule != "coverage":
            column = f"{rule}_correct"
            picks = picked(rule, pool, stacked, selection)
            chosen = picks[:, None]
        right = pool.correct[chosen]
        right[chosen == NOBODY] = 0.0
        means = np.add.reduceat(right.max(axis=1), starts) / counts
        for name, mean in zip(sets, means, strict=True):
            found[name][column] = float(mean)
        if rule in exact:
            found["random"][column] = exact[rule]
    return found


def _in_any_order(sets: Ints, rng: np.random.Generator) -> Ints:
    """Sets (S, m) in random orders, a single one in several."""
    return rng.permuted(np.repeat(sets, ORDERS if len(sets) == 1 else 1, axis=0), axis=1)


def _lacking(pool: Pool, pruner: Pruner, reward: str | None) -> bool:
    """Whether the pool has not what a method needs."""
    if "rewards" in pruner.needs:
        both = _reward_and_likelihood(pool, reward)
        return not np.isfinite(both).all(axis=1).any()
    return "embeddings" in pruner.needs and pool.embeddings is None


def _kernel(pool: Pool, settings: PruningSettings) -> Floats:
    return np.asarray(pool.similarity + settings.jitter * np.eye(len(pool)))


def _first_ones(
    choose: Callable[[Floats, int], Ints], matrix: Floats, sizes: Sequence[int]
) -> list[Ints]:
    """Sets (1, m) of a method whose choice for the largest m begins with that for the others."""
    order = choose(matrix, max(sizes))
    return [order[None, :m] for m in sizes]


def _reward_and_likelihood(pool: Pool, name: str | None) -> Floats:
    """(N, 2) a reward and the mean log-probability; NaN where there is none."""
    nothing = np.full(len(pool), np.nan)
    reward = pool.rewards.get(name or "", nothing)
    return np.stack([reward, pool.logprobs], axis=1)
