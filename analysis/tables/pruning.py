"""How much accuracy is kept when only m of a pool's N samples are, by how they are chosen."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import pandas as pd

from workbench.analysis.aggregate.pruning import EVERYTHING, ORDERS, PRUNERS
from workbench.analysis.frames import Data, Table, bounded
from workbench.analysis.stats.bootstrap import MIN_PROBLEMS, bootstrap_means
from workbench.analysis.stats.paired import compare_columns, discovery_rates
from workbench.analysis.tables.shared import long_text_notes

BASELINE = "random"
CELL = ["condition", "selection", "m", "method"]


def pruning(data: Data) -> Table:
    """Accuracy when m of N samples are kept, by how they are chosen, against any m at random.

    ``difference`` is that to ``random`` on the same problems. The method ``all`` keeps the whole
    pool; its m is the largest N of the condition.
    """
    frame = data.run.read("pruned")
    if frame.empty:
        return Table(pd.DataFrame(), ("no pool of two or more samples of known correctness",))
    rows = _rows(frame, [name for name in data.outcomes if name in frame])
    table = rows.drop_duplicates("cell").sort_values("cell").reset_index(drop=True)[CELL]
    table = table.astype({"selection": str, "method": str})
    settings = data.run.experiment.analysis
    resamples, confidence = settings.resamples, settings.confidence
    wide = rows.pivot(index="problem_id", columns="cell", values=["accuracy", "difference"])
    values, gaps = wide["accuracy"], wide["difference"]
    means = bootstrap_means(
        values, values.index, resamples=resamples, confidence=confidence, rng=data.rng()
    )
    table = table.assign(**bounded("accuracy", means.value, means.low, means.high))
    found = compare_columns(gaps, resamples=resamples, confidence=confidence, rng=data.rng())
    bounds = zip(*((one.value, one.low, one.high) for one in found), strict=True)
    p = np.array([one.p for one in found])
    table = table.assign(**bounded("difference", *bounds), p=p, q=discovery_rates(p))
    table["problems"] = means.num_problems
    return Table(table, tuple(_notes(data, frame, table)))


def _rows(frame: pd.DataFrame, outcomes: Sequence[str]) -> pd.DataFrame:
    """One row per problem and cell of the table: its accuracy, and that less the baseline's."""
    largest = frame.groupby("condition", observed=True)["n"].transform("max")
    frame = frame.assign(m=frame["m"].where(frame["method"] != EVERYTHING, largest))
    rows = pd.concat(
        frame[["problem_id", "condition", "m", "method"]].assign(
            selection=name.removesuffix("_correct"),
            accuracy=frame[name],
        )
        for name in outcomes
    )
    names = [name.removesuffix("_correct") for name in outcomes]
    rows["selection"] = pd.Categorical(rows["selection"], names)
    rows["method"] = pd.Categorical(rows["method"], [*PRUNERS, EVERYTHING])
    place = ["problem_id", "condition", "selection", "m"]
    baseline = rows.loc[rows["method"] == BASELINE, [*place, "accuracy"]]
    rows = rows.merge(baseline.rename(columns={"accuracy": "baseline"}), on=place, how="left")
    compared = ~rows["method"].isin([BASELINE, EVERYTHING])
    rows["difference"] = (rows["accuracy"] - rows["baseline"]).where(compared)
    rows["cell"] = rows.groupby(CELL, dropna=False, observed=True).ngroup()
    return rows


def _notes(data: Data, frame: pd.DataFrame, table: pd.DataFrame) -> Iterator[str]:
    """Say what the numbers are, and rest on."""
    settings = data.run.experiment
    problems = frame["problem_id"].nunique()
    yield f"{problems} problems; m of a pool's N samples are kept, {EVERYTHING}: every one"
    if problems < MIN_PROBLEMS:
        yield f"no intervals and no p: {problems} problems are fewer than {MIN_PROBLEMS}"
    else:
        yield (
            f"[low, high]: {settings.analysis.confidence:.0%} intervals, the problem as the unit; "
            f"difference: to {BASELINE} on the same problems; p: paired sign flips; q: p corrected "
            f"for the {int(table['p'].notna().sum())} tests of the table (Benjamini-Hochberg)"
        )
    there = [name for name in PRUNERS if (frame["method"] == name).any()]
    yield "; ".join(f"{name}: {PRUNERS[name].summary}" for name in there)
    yield (
        f"coverage, maj and best are exact for {BASELINE} and {EVERYTHING}; else means over "
        f"{settings.measure.replicates} draws, or {ORDERS} orders of a set chosen without chance"
    )
    yield from _missing(data, frame, there)
    yield from _short(data, frame)
    if "k_medoids" in there:
        yield from long_text_notes(data)


def _missing(data: Data, frame: pd.DataFrame, there: Sequence[str]) -> Iterator[str]:
    """Say which methods are left out, wholly or for some pools, and why."""
    key = ["problem_id", "condition"]
    pools = {n: len(frame.loc[frame["method"] == n, key].drop_duplicates()) for n in PRUNERS}
    for name, pruner in PRUNERS.items():
        short = pools[BASELINE] - pools[name]
        if name in there and short:
            yield f"{name}: {short} pools without what it needs are left out"
        elif short and "rewards" in pruner.needs:
            reward = data.run.experiment.selection.reward or "selection.reward is null"
            yield f"{name} is left out: no sample has both a likelihood and a reward ({reward})"
        elif short:
            yield f"{name} is left out: no embeddings; measure dpp or cos_sim, which need them"
    if "k_medoids_reward" in there and data.run.experiment.selection.reward == "likelihood":
        yield "k_medoids_reward: the likelihood is the reward here, so it stands alone"


def _short(data: Data, frame: pd.DataFrame) -> Iterator[str]:
    """Say how many pools are too small for an m, and which samples could not be kept."""
    whole = frame[frame["method"] == EVERYTHING]
    sizes = frame.loc[frame["method"] == BASELINE, ["condition", "m"]].drop_duplicates()
    both = whole[["condition", "n"]].merge(sizes, on="condition")
    short = int((both["n"] <= both["m"]).sum())
    if short:
        yield f"{short} pools of no more than m samples are left out for that m"
    drawn = data.expectations.loc[data.expectations["k"] == 1, ["problem_id", "condition", "n"]]
    both = drawn.merge(whole, on=["problem_id", "condition"], suffixes=("_asked", ""))
    failed = int((both["n_asked"] - both["n"] - both["num_unknown"]).sum())
    unknown = int(whole["num_unknown"].sum())
    if failed:
        yield f"{failed:,} samples that could not be drawn cannot be kept"
    if unknown:
        yield f"{unknown:,} samples of unknown correctness are left out before any is kept"
    judged = drawn["n"] - data.expectations.loc[drawn.index, "num_unknown"]
    few = int(((drawn["n"] > 1) & (judged < 2)).sum())
    if few:
        yield f"{few} pools with fewer than two samples of known correctness are left out"
