"""Values that a run's samples lack, and the metrics and selections that are left out for them."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING

from workbench.config.schema import Experiment, Measure, MeasuredText, Selection
from workbench.core.lookup import lookup
from workbench.core.types import REWARD_PREFIX, SelectionRule
from workbench.measure.evaluate import LOG_QUALITY
from workbench.metrics import METRICS
from workbench.rewards import REWARDS

if TYPE_CHECKING:
    from workbench.storage.run_folder import Folder

COLUMNS = {
    "logprobs": ("samples", "logprob", "log-probabilities"),
    "entropies": ("samples", "entropy", "entropies"),
    "num_tokens": ("samples", "tokens", "token counts"),
    "clusters": ("scores", "answer", "answers"),
    "agreement": ("scores", "outputs", "outputs of programs"),
}
"""What a metric or a selection may need of a pool: its table, its column, and its name. Columns of
samples are those of ``measured_part``."""

Needs = Mapping[str, Collection[str]]
"""By metric or selection: the fields of a pool that it reads, a reward as ``reward_NAME`` (bare
where none is chosen)."""


def metric_needs(settings: Measure) -> dict[str, list[str]]:
    """Return what each of some metrics reads, a quality as the column it is made from."""
    reward = settings.dpp_quality
    quality = "logprobs" if reward is None else f"{REWARD_PREFIX}{reward}"
    fields = {name: lookup(METRICS, name, "metric").fields for name in settings.metrics}
    return {
        name: [quality if field == LOG_QUALITY else field for field in read]
        for name, read in fields.items()
    }


def selection_needs(
    settings: Selection, rules: Mapping[str, SelectionRule]
) -> dict[str, list[str]]:
    """Return what each of some selections reads, its reward as ``reward_NAME``."""
    found = {}
    for name in settings.aggregators:
        base, _, reward = name.partition(":")
        rule = lookup(rules, base, "aggregator")
        chosen = f"{REWARD_PREFIX}{reward or settings.reward or ''}"
        found[name] = [chosen if need == "rewards" else need for need in rule.needs]
    return found


def needs_embeddings(experiment: Experiment, rules: Mapping[str, SelectionRule]) -> bool:
    """Say whether any metric, selection or learned reward of an experiment reads embeddings."""
    learned = any(REWARDS[name].learn for name in experiment.scoring.rewards)
    needs = metric_needs(experiment.measure) | selection_needs(experiment.selection, rules)
    return learned or reads_embeddings(needs)


def lost_without_logprobs(experiment: Experiment, rules: Mapping[str, SelectionRule]) -> str:
    """Return the metrics and selections that samples without log-probabilities do not have."""
    needs = metric_needs(experiment.measure) | selection_needs(experiment.selection, rules)
    return ", ".join(left_out(needs, {"logprobs", f"{REWARD_PREFIX}likelihood"}))


def reads_embeddings(needs: Needs) -> bool:
    """Say whether any of some metrics or selections looks at embeddings."""
    return any({"similarity", "embeddings"} & set(fields) for fields in needs.values())


def missing(folder: Folder, needs: Needs, part: MeasuredText) -> set[str]:
    """Return which needs no scored sample of a run meets, in the part of it that is measured.

    A value that only some samples lack is not among them: it is NaN, dropped and counted. Where
    answers were looked for and none was found, nobody answered, which is a result; answers are
    missing only where there are none and no problem has a known one.

    Returns:
        Keys of ``COLUMNS``, and ``reward_NAME``.

    Raises:
        ValueError: a table is damaged, or the samples are not scored with a reward that is needed.
    """
    asked = {need for fields in needs.values() for need in fields}
    rewards = {need for need in asked if need.startswith(REWARD_PREFIX)} - {REWARD_PREFIX}
    absent = set()
    for need in asked & {*COLUMNS} | rewards:
        table, column, _ = COLUMNS.get(need, ("scores", need, ""))
        held = folder.blocks_with_samples()
        if not any(_has_values(folder, table, column, block, part) for block in held):
            absent.add(need)
    if "clusters" in absent and any(k.problem.gold is not None for k in folder.read_problems()):
        absent.remove("clusters")
    return absent


def left_out(needs: Needs, absent: Collection[str]) -> dict[str, str]:
    """Return the metrics or selections that need what is absent, each with the reason."""
    unmet = {*absent, REWARD_PREFIX}
    first = {name: next((n for n in fields if n in unmet), None) for name, fields in needs.items()}
    return {name: _reason(need) for name, need in first.items() if need is not None}


def without(experiment: Experiment, names: Collection[str]) -> Experiment:
    """Return an experiment without some of its metrics and selections."""
    metrics = tuple(m for m in experiment.measure.metrics if m not in names)
    rules = tuple(rule for rule in experiment.selection.aggregators if rule not in names)
    measure = dataclasses.replace(experiment.measure, metrics=metrics)
    selection = dataclasses.replace(experiment.selection, aggregators=rules)
    return dataclasses.replace(experiment, measure=measure, selection=selection)


def listed(reasons: Mapping[str, str]) -> str:
    """Return names by their reason: ``avg_log_prob, qual_dpp (no log-probabilities)``."""
    names: dict[str, list[str]] = {}
    for name, reason in reasons.items():
        names.setdefault(reason, []).append(name)
    return "; ".join(f"{', '.join(group)} ({reason})" for reason, group in names.items())


def _reason(need: str) -> str:
    if need == REWARD_PREFIX:
        return "no reward"
    if known := COLUMNS.get(need):
        return f"no {known[2]}"
    return f"no sample has the reward {need.removeprefix(REWARD_PREFIX)}"


def _has_values(folder: Folder, table: str, column: str, block: int, part: MeasuredText) -> bool:
    """Say whether any row of a block has a value that is neither null nor NaN."""
    import pyarrow as pa
    import pyarrow.compute as pc

    from workbench.storage.measured_text import PART_COLUMNS, measured_part
    from workbench.storage.parquet import STORED_KEY, read_table

    if table == "samples":
        samples = folder.read_samples(block, (*STORED_KEY, *PART_COLUMNS)).to_pandas()
        return bool(measured_part(samples, part)[column].notna().any())
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
