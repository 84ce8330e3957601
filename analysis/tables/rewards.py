"""Tables of how far each reward of a run can be trusted, and what it makes of k samples."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd
import pyarrow as pa

from workbench.analysis.aggregate import best_at_k
from workbench.analysis.aggregate.outcomes import curve_sizes
from workbench.analysis.condition_columns import in_table_order
from workbench.analysis.frames import Data, Table, bounded, with_q_values
from workbench.analysis.stats import calibration
from workbench.analysis.stats.calibration import BINS, reward_samples
from workbench.analysis.tables.shared import star_note
from workbench.config.conditions import pool_sizes
from workbench.core.types import REWARD_PREFIX, Floats
from workbench.metrics.passk import pass_at_k
from workbench.rewards import REWARDS
from workbench.saved_run import with_factors
from workbench.storage.parquet import STORED_KEY

BASELINE = "likelihood"
"""The reward that costs nothing, which any other has to beat."""
COLUMNS = ["problem_id", "correct", "reward"]


def reward_report(data: Data) -> Table:
    """How well each reward tells right samples from wrong, within problems and over all."""
    rows = []
    parts = list(_parts(data))
    plain = {t: _ranking(part.dropna()) for name, t, part in parts if name == BASELINE}
    for name, condition, part in parts:
        known = part.dropna()
        within = _ranking(known)
        row: dict[str, object] = {"condition": condition, "reward": name, "samples": len(known)}
        row["right"] = known["correct"].mean() if len(known) else np.nan
        row |= data.means(within, ["ranking_accuracy"])
        better = within[["ranking_accuracy"]].to_numpy() - 0.5
        (row["ranking_accuracy_p"],) = data.column_p_values(better)
        if len(plain) and any(other != BASELINE for other, _, _ in parts):
            row |= _gain(data, within, plain.get(condition, within.iloc[:0]), name)
        chances = _as_probability(name, known["reward"].to_numpy())
        samples = reward_samples(known["reward"], known["correct"], known["problem_id"])
        found = {"auroc": calibration.auroc(samples)}
        found["auprc"] = calibration.average_precision(samples)
        if chances is not None:
            samples = reward_samples(chances, known["correct"], known["problem_id"])
            found["brier"] = calibration.brier(samples)
            found["ece"] = calibration.calibration_error(samples)
        for column, share in found.items():
            row |= bounded(column, share.value, share.low, share.high)
        row["auroc_p"] = found["auroc"].p
        rows.append(row | {"problems": int(within["ranking_accuracy"].notna().sum())})
    notes = [
        "ranking_accuracy: chance that a right sample outranks a wrong one of its pool, mean over "
        "problems that have both (problems): what best-of-N depends on; 0.5 is chance",
        "auroc: the same over samples of all problems, so that telling easy problems from hard "
        "ones counts; auprc: mean precision, by chance the share of right samples (right)",
        *[f"gain: ranking_accuracy less that of {BASELINE}, on the same problems"]
        * any("gain" in row for row in rows),
        *[
            "brier, ece (smaller is better): the reward as a probability of being right; a "
            "log-probability as its exponential; none where a reward is no probability"
        ]
        * any("brier" in row for row in rows),
        star_note("is not 0.5 (gain: 0)"),
    ]
    return Table(with_q_values(pd.DataFrame(rows)), (*notes, *_left_out(data)))


def _gain(data: Data, within: pd.DataFrame, plain: pd.DataFrame, name: str) -> dict[str, float]:
    """How much better a reward ranks within problems than the likelihood does; none for itself."""
    both = within.merge(plain, on="problem_id", suffixes=("", "_plain"))
    both["gain"] = both["ranking_accuracy"] - both["ranking_accuracy_plain"]
    if name == BASELINE or both["gain"].isna().all():
        return bounded("gain", *[np.nan] * 4)
    (p,) = data.column_p_values(both[["gain"]].to_numpy())
    return data.means(both, ["gain"]) | {"gain_p": p}


def reliability(data: Data) -> Table:
    """Share of right samples where a reward, as a probability, says so much: ten bins, 0 to 1."""
    rows = []
    for name, condition, part in _parts(data):
        known = part.dropna()
        chances = _as_probability(name, known["reward"].to_numpy())
        if chances is None:
            continue
        known = known.rename(columns={"correct": "right"}).assign(reward=chances)
        bins = calibration.bin_numbers(chances)
        for number in np.unique(bins):
            inside = known[bins == number]
            row: dict[str, object] = {"reward": name, "condition": condition}
            row["bin"] = f"{number / BINS:g}-{(number + 1) / BINS:g}"
            row["mean_reward"] = inside["reward"].mean()
            rows.append(row | data.means(inside, ["right"]) | {"samples": len(inside)})
    notes = ("right: of a calibrated reward it is mean_reward", *_left_out(data))
    return Table(pd.DataFrame(rows), notes)


def reward_curve(data: Data) -> Table:
    """Exact best@k of each reward, beside choosing at random and an oracle, by condition."""
    curves = [
        _curve(pool).assign(problem_id=problem, condition=condition, reward=f"best:{name}")
        for name, condition, part in _parts(data)
        for problem, pool in part.dropna(subset="correct").groupby("problem_id", sort=False)
    ]
    if not curves:
        return Table(pd.DataFrame(), ("no pool has two samples with rewards",))
    frame = pd.concat(curves, ignore_index=True)
    frame["condition"] = in_table_order(frame["condition"], data.conditions)
    names = list(dict.fromkeys(frame["reward"]))
    rows = []
    for (condition, k), part in frame.groupby(["condition", "k"], sort=True, observed=True):
        shared = part.groupby("problem_id")[["random", "oracle"]].first()
        wide = shared.join(part.pivot(index="problem_id", columns="reward", values="best"))
        here = [name for name in names if name in wide]
        row = {"condition": condition, "k": k}
        row |= data.means(wide.reset_index(), ["random", *here, "oracle"])
        if part["k"].iloc[0] > 1:
            gains = wide[here].sub(wide["random"], axis=0).to_numpy(dtype=float)
            row |= {f"{n}_p": p for n, p in zip(here, data.column_p_values(gains), strict=True)}
        rows.append(row)
    notes = [
        "exact over all k-subsets; random: any of the k (pass@1); oracle: pass@k",
        "a sample without a reward is never chosen",
        star_note("differs from random"),
    ]
    return Table(with_q_values(pd.DataFrame(rows)), (*notes, *_left_out(data)))


def _parts(data: Data) -> Iterator[tuple[str, str, pd.DataFrame]]:
    """Yield (reward, condition, rows of problem_id, correct, reward), greedy samples apart."""
    frame = _samples(data)
    names = [c.removeprefix(REWARD_PREFIX) for c in frame.columns if c.startswith(REWARD_PREFIX)]
    for condition, part in frame.groupby("condition", sort=True, observed=True):
        if len(part) == part["problem_id"].nunique():
            continue  # one sample per problem, as greedy decoding has, ranks nothing
        for name in names:
            found = part[["problem_id", "correct", REWARD_PREFIX + name]]
            if part[REWARD_PREFIX + name].notna().any():
                yield name, str(condition), found.set_axis(COLUMNS, axis=1)


def _samples(data: Data) -> pd.DataFrame:
    """One row per sample that belongs to a pool: key, correct (NaN: unknown), rewards."""
    tables = []
    for table in data.run.tables_of("scores"):
        rewards = [name for name in table.schema.names if name.startswith(REWARD_PREFIX)]
        tables.append(table.select([*STORED_KEY, "is_correct", *rewards]))
    frame: pd.DataFrame = pa.concat_tables(tables, promote_options="default").to_pandas()
    frame = with_factors(frame, data.conditions)
    sizes = frame["condition"].astype(str).map(pool_sizes(data.run.experiment.generation))
    frame = frame[frame["sample_index"] < sizes.fillna(0)]
    right: Floats = np.asarray(frame["is_correct"].astype("Float64"), dtype=float)
    return frame.assign(correct=right).drop(columns=["sample_index", "is_correct"])


def _ranking(known: pd.DataFrame) -> pd.DataFrame:
    """One row per problem: how often its right samples outrank its wrong ones."""
    pools = known.groupby("problem_id", sort=True)[["reward", "correct"]]
    found = [(name, calibration.ranking_accuracy(*pool.to_numpy().T)) for name, pool in pools]
    return pd.DataFrame(found, columns=["problem_id", "ranking_accuracy"])


def _as_probability(name: str, rewards: Floats) -> Floats | None:
    """Rewards as probabilities, or None where they cannot be."""
    known = REWARDS.get(name)
    chances = np.exp(rewards) if known is not None and known.is_log else rewards
    return chances if ((chances >= 0) & (chances <= 1)).all() else None


def _curve(pool: pd.DataFrame) -> pd.DataFrame:
    """One row per k: exact accuracy of a random choice, of the best reward and of an oracle."""
    right = pool["correct"].to_numpy(dtype=float)
    frame = pd.DataFrame({"k": curve_sizes(len(pool), ()), "random": right.mean()})
    sizes = frame["k"].to_numpy()
    frame["best"] = best_at_k(pool["reward"].to_numpy(dtype=float), right, sizes)
    return frame.assign(oracle=pass_at_k(len(pool), int(right.sum()), sizes))


def _left_out(data: Data) -> list[str]:
    unknown = data.unknown
    return [f"{unknown:,} samples of unknown correctness are left out"] * bool(unknown)
