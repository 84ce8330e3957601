"""Table of handing in several answers, of which one has to be right."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import pandas as pd

from workbench.analysis.aggregate import rewards_of
from workbench.analysis.aggregate.batched import ranked_answers
from workbench.analysis.condition_columns import in_table_order
from workbench.analysis.frames import POOL, Data, Table, table_lines, with_q_values
from workbench.analysis.known_outcomes import (
    DRAWN,
    drawn_errors,
    error_notes,
    known_outcomes,
    mean_variances,
    with_errors,
)
from workbench.analysis.tables.shared import sample_size_notes, star_note
from workbench.config.schema import Selection
from workbench.core.types import NOBODY, Floats, Ints
from workbench.pools import Pool
from workbench.storage.parquet import read_table
from workbench.storage.subset_table import drawn_subsets

FIRST = f"{DRAWN}answers@"
"""Columns: ``drawn_answers@2`` is the share of drawn subsets of which one of two is right."""


def submitted(data: Data) -> Table:
    """Share of right subsets when the best answers of best_of_majority are handed in, not just one.

    Beside ``coverage``, which hands in all of them, and is exact.
    """
    settings = data.run.experiment.selection
    if settings.reward is None:
        return Table(pd.DataFrame(), ("no reward to rank answers by: set selection.reward",))
    sizes = sorted(settings.submitted)
    names = [f"{FIRST}{size}" for size in sizes]
    rows = [row for block in data.run.blocks for row in _rows(data, block, names, sizes)]
    if not rows:
        return Table(pd.DataFrame(), ("no subset was measured",))
    frame = known_outcomes(data)[[*POOL, "coverage"]]
    frame["condition"] = frame["condition"].astype(str)
    frame = frame.merge(pd.DataFrame(rows), on=POOL, how="left")
    frame["condition"] = in_table_order(frame["condition"], data.conditions)
    labels, lines = table_lines(frame, ["condition", "k"])
    sums = data.sums(frame, [*names, "coverage"], lines)
    gains = sums.means[:, :, 1 : len(names)] - sums.means[:, :, :1]
    p = data.p_values(gains, names[1:])
    handed = frame.groupby(lines)["handed_in"].mean().reset_index(drop=True)
    table = with_errors(data.intervals(sums), drawn_errors(frame, lines, names))
    notes = (
        *sample_size_notes(data),
        f"{names[0]} … {names[-1]}: one of so many answers is right; answers given by at least "
        f"{settings.threshold:.0%} of those who answered, highest mean {settings.reward} first",
        f"handed_in: how many there were at most, mean; of {sizes[-1]} asked for",
        f"{FIRST}…, handed_in: means over the drawn subsets, as no closed form is known; coverage: "
        "exact over all k-subsets",
        *error_notes(table),
        *[star_note(f"differs from {names[0]}")] * bool(names[1:]),
    )
    return Table(with_q_values(pd.concat([labels, table, p, handed], axis=1)), notes)


def _rows(
    data: Data, block: int, names: Sequence[str], sizes: list[int]
) -> Iterator[dict[str, object]]:
    """Yield a row per pool and k with judged subsets: mean outcomes over these."""
    run = data.run
    drawn = drawn_subsets(read_table(run.folder.block_path("subsets", block), [*POOL, "members"]))
    for pool in run.pools(block, with_embeddings=False) if drawn else ():
        for k, subsets in drawn.get((pool.problem_id, pool.condition), {}).items():
            judged = subsets.members[~np.isnan(pool.correct[subsets.members]).any(axis=1)]
            if not len(judged):
                continue
            outcomes, handed = _outcomes(pool, judged, run.experiment.selection, sizes)
            found = pd.DataFrame(outcomes, columns=[*names])
            variances = mean_variances(found, only=k == int((~np.isnan(pool.correct)).sum()))
            key = zip(POOL, (pool.problem_id, pool.condition, k), strict=True)
            means = dict(zip(names, found.mean(), strict=True))
            yield {**dict(key), "handed_in": handed, **means, **variances}


def _outcomes(
    pool: Pool, subsets: Ints, settings: Selection, sizes: list[int]
) -> tuple[Floats, float]:
    """(S, sizes) whether one of so many answers is right; how many answers are handed in."""
    rewards = rewards_of(pool, settings)
    places = ranked_answers(pool.clusters, rewards, subsets, settings.threshold, sizes[-1])
    chosen = np.take_along_axis(subsets, np.maximum(places, 0), axis=1)
    right = np.where(places == NOBODY, 0.0, pool.correct[chosen])
    found = np.column_stack([right[:, :size].max(axis=1) for size in sizes])
    return found, float((places != NOBODY).sum(1).mean())
