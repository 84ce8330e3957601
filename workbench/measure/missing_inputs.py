"""What a run's samples do not come with, and what therefore cannot be measured of them."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Mapping

import pyarrow as pa
import pyarrow.compute as pc

from analysis.aggregate.aggregator import Aggregator
from workbench.config.schema import Experiment
from workbench.core.lookup import lookup
from workbench.measure.evaluate import LOG_QUALITY
from workbench.metrics import METRICS
from workbench.rewards import REWARDS
from workbench.storage.parquet import KEY, REWARD_PREFIX, read_table
from workbench.storage.run_folder import Folder

COLUMNS = {
    "logprobs": ("samples", "mean_logprob", "log-probabilities"),
    "entropies": ("samples", "mean_entropy", "entropies"),
    "num_tokens": ("samples", "num_output_tokens", "token counts"),
    "clusters": ("scores", "answer", "answers"),
}
"""What a metric or an aggregator may need of a pool: its table, its column, and its name."""


def missing(
    folder: Folder, experiment: Experiment, aggregators: Mapping[str, Aggregator]
) -> set[str]:
    """Return which needs of an experiment no scored sample of a run meets.

    A value that only some samples lack is not among them: it is NaN, dropped and counted. Where
    answers were looked for and none was found, nobody answered, which is a result; answers are
    missing only where there are none and no problem has a known one.

    Returns:
        Keys of ``COLUMNS``, and ``reward_NAME``.

    Raises:
        ValueError: a table is damaged, or the samples are not scored with a reward that is needed.
    """
    absent = set()
    for need in _needs(experiment, aggregators):
        table, column, _ = COLUMNS.get(need, ("scores", need, ""))
        if not any(_has_values(folder, table, column, b) for b in folder.blocks_with_samples()):
            absent.add(need)
    if "clusters" in absent and any(k.problem.gold is not None for k in folder.read_problems()):
        absent.remove("clusters")
    return absent


def left_out(
    experiment: Experiment, aggregators: Mapping[str, Aggregator], absent: Collection[str]
) -> dict[str, str]:
    """Return the metrics and aggregators of an experiment that need what is absent, with why."""
    found = {}
    for name in experiment.measure.metrics:
        reasons = [need for need in _fields(name, experiment) if need in absent]
        if reasons:
            found[name] = _why(reasons[0])
    for name in experiment.selection.aggregators:
        needs = _needs_of(name, experiment, aggregators)
        reasons = [need for need in needs if need in absent or need == REWARD_PREFIX]
        if reasons:
            found[name] = _why(reasons[0])
    return found


def without(experiment: Experiment, names: Collection[str]) -> Experiment:
    """Return an experiment without some of its metrics and aggregators."""
    metrics = tuple(m for m in experiment.measure.metrics if m not in names)
    rules = tuple(rule for rule in experiment.selection.aggregators if rule not in names)
    return dataclasses.replace(
        experiment,
        measure=dataclasses.replace(experiment.measure, metrics=metrics),
        selection=dataclasses.replace(experiment.selection, aggregators=rules),
    )


def listed(reasons: Mapping[str, str]) -> str:
    """Return names by their reason: ``avg_log_prob, qual_dpp (no log-probabilities)``."""
    names: dict[str, list[str]] = {}
    for name, reason in reasons.items():
        names.setdefault(reason, []).append(name)
    return "; ".join(f"{', '.join(group)} ({reason})" for reason, group in names.items())


def _needs(experiment: Experiment, aggregators: Mapping[str, Aggregator]) -> set[str]:
    """Return what of an experiment's needs can be missing."""
    needs = {need for name in experiment.measure.metrics for need in _fields(name, experiment)}
    for name in experiment.selection.aggregators:
        needs |= set(_needs_of(name, experiment, aggregators))
    return {
        n for n in needs if n in COLUMNS or (n.startswith(REWARD_PREFIX) and n != REWARD_PREFIX)
    }


def _fields(name: str, experiment: Experiment) -> list[str]:
    """Return a metric's needs, a quality as the column that it is made from."""
    reward = experiment.measure.dpp_quality
    quality = "logprobs" if reward is None else f"{REWARD_PREFIX}{reward}"
    fields = lookup(METRICS, name, "metric").fields
    return [quality if field == LOG_QUALITY else field for field in fields]


def _needs_of(
    name: str, experiment: Experiment, aggregators: Mapping[str, Aggregator]
) -> list[str]:
    """Return an aggregator's needs, its reward as ``reward_NAME`` (bare if none is chosen)."""
    base, _, reward = name.partition(":")
    rule = lookup(aggregators, base, "aggregator")
    chosen = f"{REWARD_PREFIX}{reward or experiment.selection.reward or ''}"
    return [chosen if need == "rewards" else need for need in rule.needs]


def _why(need: str) -> str:
    if need == REWARD_PREFIX:
        return "no reward"
    if known := COLUMNS.get(need):
        return f"no {known[2]}"
    return f"no sample has the reward {need.removeprefix(REWARD_PREFIX)}"


def _has_values(folder: Folder, table: str, column: str, block: int) -> bool:
    """Say whether any row of a block has a value that is neither null nor NaN."""
    if table == "samples":
        rows = folder.read_samples(block, (*KEY, column))
    else:
        rows = read_table(folder.block_path(table, block), (column,))
    if column not in rows.schema.names:
        if column.startswith(REWARD_PREFIX):
            raise ValueError(f"{folder.root} has no {column} yet; run `workbench score` first")
        return False  # made before there was such a column
    values = rows.column(column)
    there = pc.is_valid(values)
    if pa.types.is_floating(values.type):
        there = pc.and_not_kleene(there, pc.is_nan(values))
    return bool(pc.any(there).as_py())


def needs_embeddings(experiment: Experiment, aggregators: Mapping[str, Aggregator]) -> bool:
    """Say whether any metric or aggregator of the experiment looks at embeddings."""
    needs = {need for name in experiment.measure.metrics for need in METRICS[name].fields}
    for name in experiment.selection.aggregators:
        needs |= set(lookup(aggregators, name.partition(":")[0], "aggregator").needs)
    learned = any(REWARDS[name].learn for name in experiment.scoring.rewards)
    return learned or bool(needs & {"similarity", "embeddings"})
