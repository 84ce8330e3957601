"""Tables of how often a selection is right: against k, temperature and tokens, and what it misses.

Every accuracy is a mean over problems' pools with a percentile bootstrap interval over problems.
Beside a number ``x`` and its interval ``x_low``, ``x_high`` stand ``x_p`` and ``x_q`` of no
difference from a single sample of the same pools: sign flips by problem, and the same corrected
for the whole table. Samples of unknown correctness are left out: an exact expectation is over the
others of its pool, a mean over the drawn subsets without one. Which outcome is which is said in
``workbench.analysis.known_outcomes``.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from workbench.analysis.aggregate.outcomes import EXTREMES
from workbench.analysis.budget_costs import with_first_answers
from workbench.analysis.condition_columns import has_names, in_table_order
from workbench.analysis.frames import POOL, Data, Table, table_lines, with_q_values
from workbench.analysis.known_outcomes import (
    DRAWN,
    SINGLE,
    VARIANCE,
    drawn_errors,
    drawn_notes,
    drawn_outcomes,
    exact_columns,
    known_outcomes,
    mixed_outcomes,
    shown_outcomes,
    with_errors,
)
from workbench.analysis.tables.shared import (
    cut_sample_notes,
    missing_value_notes,
    sample_size_notes,
    star_note,
    unknown_sample_notes,
)
from workbench.config.conditions import greedy_names
from workbench.config.second_turns import names_to_mix
from workbench.core.conditions import MIXED

ONE, ONE_CONDITION = "one T", "one condition"
"""What a row's subsets are drawn from, where others are of several conditions mixed."""


def accuracy_by_k(data: Data) -> Table:
    """Accuracy of each selection by subset size, all conditions together."""
    return _accuracy(data, ["k"])


def accuracy_by_temperature(data: Data) -> Table:
    """Accuracy of each selection by condition, all subset sizes together."""
    return _accuracy(data, ["condition"])


def accuracy_by_k_temperature(data: Data) -> Table:
    """Accuracy of each selection by subset size and condition, such as the temperature."""
    return _accuracy(data, ["k", "condition"])


def _accuracy(data: Data, keys: list[str]) -> Table:
    """Selections and coverage by ``keys``, beside a single sample and greedy decoding."""
    frame = known_outcomes(data).assign(pool=ONE)
    if len(mixed := mixed_outcomes(data)):
        frame = pd.concat([frame, mixed.assign(pool=MIXED)], ignore_index=True)
    outcomes, drawn = [*shown_outcomes(data).values()], drawn_outcomes(data)
    columns = [*outcomes, SINGLE]
    greedy = _greedy(data)
    if not greedy.empty and greedy.notna().any(axis=None):
        frame["greedy"] = _greedy_of(frame, greedy, data)
        columns.append("greedy")
    labels, lines = table_lines(frame, [*keys, "pool"], sort=False)
    table = data.intervals(data.sums(frame, columns, lines))
    gains = frame[outcomes].sub(frame[SINGLE], axis=0).assign(problem_id=frame["problem_id"])
    p = data.p_values(data.sums(gains, outcomes, lines).means, outcomes)
    table = with_errors(table, drawn_errors(frame, lines, drawn))
    table = with_q_values(pd.concat([labels, table, p], axis=1))
    table = _sorted(table, keys, data)
    notes = (
        *sample_size_notes(data, SINGLE),
        *_greedy_notes(greedy),
        *missing_value_notes(data, [name.removeprefix(DRAWN) for name in drawn]),
        *drawn_notes(data, table),
        "single_sample is pass@1, exact; coverage: any of the k is correct",
        *cut_sample_notes(data, SINGLE),
        star_note("differs from single_sample"),
    )
    if has_names(data.conditions):
        table["pool"] = table["pool"].replace(ONE, ONE_CONDITION)
    table = table.reset_index(drop=True)
    if mixed.empty:
        return Table(table.drop(columns="pool"), notes)
    turn = "condition" if has_names(data.conditions) else "temperature"
    chosen = names_to_mix(data.run.experiment.selection.mixed, data.conditions)
    of = f" of {', '.join(chosen)}" if chosen else ""
    told = f"{MIXED}{of}: k of a pool of as many samples, taken from each {turn} in turn"
    return Table(table, (*notes, told))


def _sorted(table: pd.DataFrame, keys: list[str], data: Data) -> pd.DataFrame:
    """Sort lines by their keys; those of mixed pools stand behind the others."""
    if "condition" in keys:
        table["condition"] = in_table_order(table["condition"], data.conditions)
    return table.sort_values([*keys, "pool"], ascending=[*(True for _ in keys), False])


def _greedy(data: Data) -> pd.DataFrame:
    """Return accuracy of the greedy sample of each problem, a column per greedy condition.

    NaN where its correctness is unknown.
    """
    pools = data.expectations
    names = [one.name for one in data.conditions if one.temperature == 0]
    pools = pools[pools["condition"].isin(names) & (pools["k"] == 1)]
    wide = pools.assign(condition=pools["condition"].astype(str))
    return wide.pivot(index="problem_id", columns="condition", values="pass@k")


def _greedy_of(frame: pd.DataFrame, greedy: pd.DataFrame, data: Data) -> pd.Series[float]:
    """Return for each row the accuracy of the greedy sample of its problem, prompt and model.

    A row of mixed pools has the mean of those that there are.
    """
    names = greedy_names(data.conditions)
    wanted = frame["condition"].astype(str).map(names)
    found = greedy.mean(axis=1).reindex(frame["problem_id"]).to_numpy()
    values = pd.Series(found, index=frame.index)
    for name in greedy:
        of_problem = frame["problem_id"].map(greedy[name])
        values = values.where(wanted != name, of_problem)
    return values


def _greedy_notes(greedy: pd.DataFrame) -> list[str]:
    """Say what becomes of problems whose greedy sample is of unknown correctness."""
    unjudged = int(greedy.isna().any(axis=1).sum())
    if unjudged and greedy.isna().all(axis=None):
        return ["no greedy sample's correctness is known"]
    what = "problems whose greedy sample is of unknown correctness are left out of greedy"
    return [f"{unjudged} {what}"] * bool(unjudged)


def coverage_curve(data: Data) -> Table:
    """Exact pass@k, maj@k and best@k over all k-subsets, by condition."""
    frame = data.exact
    ends = ("@k", *(f"@k{end}" for end in EXTREMES)) if data.unknown else ("@k",)
    names = [c for c in frame.columns if c.endswith(ends)]
    pool = ["problem_id", "condition"]
    single = data.expectations[data.expectations["k"] == 1]
    single = single[[*pool, "pass@k"]].rename(columns={"pass@k": SINGLE})
    frame = frame.merge(single, on=pool, how="left")
    labels, lines = table_lines(frame, ["condition", "k"])
    gaining = [name for name in names if name.endswith("@k")]
    gains = frame[gaining].sub(frame["single_sample"], axis=0)
    gains = gains.where(frame["k"] > 1).assign(problem_id=frame["problem_id"])
    p = data.p_values(data.sums(gains, gaining, lines).means, gaining)
    parts = [labels, data.intervals(data.sums(frame, names, lines)), p]
    notes = [*sample_size_notes(data), "exact expectations over all k-subsets, no sampling error"]
    notes.append(star_note("differs from a single sample (k = 1)"))
    notes += cut_sample_notes(data, "pass@1")
    if data.unknown:
        how = "all samples of unknown correctness wrong, and all right; the same pools"
        notes.append(f"…_lower, …_upper: {how}")
    return Table(with_q_values(pd.concat(parts, axis=1)), tuple(notes))


def oracle_gap(data: Data) -> Table:
    """What each selection leaves on the table: coverage less its accuracy, by k and condition."""
    frame = known_outcomes(data)
    names = [name for name in shown_outcomes(data).values() if name != "coverage"]
    gaps = frame[names].rsub(frame["coverage"], axis=0).assign(problem_id=frame["problem_id"])
    labels, lines = table_lines(frame, ["k", "condition"])
    sums = data.sums(gaps, names, lines)
    table = with_errors(data.intervals(sums), drawn_errors(frame, lines, drawn_outcomes(data)))
    parts = [labels, table, data.p_values(sums.means, names)]
    oracle = "an oracle that always picks a correct sample has a gap of 0"
    tail = (*drawn_notes(data, table), oracle, star_note("is not 0"))
    return Table(with_q_values(pd.concat(parts, axis=1)), (*sample_size_notes(data), *tail))


def budget(data: Data) -> Table:
    """Accuracy of each selection against the tokens spent on it, by condition and k."""
    spent = {"tokens": "mean_tokens", "thought_tokens": "mean_thought_tokens"}
    if not (data.pools["mean_thought_tokens"] > 0).any():
        del spent["thought_tokens"]
    pools = with_first_answers(data, [*spent.values()])
    if not pools["mean_tokens"].notna().any():
        return Table(pd.DataFrame(), ("the lengths of the samples are unknown",))
    drawn = drawn_outcomes(data)
    frame = known_outcomes(data)
    if not (frame["k"] == 1).any():
        frame = pd.concat([_of_one_sample(data, frame), frame], ignore_index=True)
    frame = frame.merge(pools, on=["problem_id", "condition"])
    for name, mean in spent.items():
        frame[name] = frame["k"] * frame[mean]
    labels, lines = table_lines(frame, ["condition", "k"])
    columns = [*spent, *shown_outcomes(data).values()]
    table = data.intervals(data.sums(frame, columns, lines))
    table = with_errors(table, drawn_errors(frame, lines, drawn))
    tokens = "tokens: those of k samples of a problem, on average, prompts not counted"
    tokens += "; of second answers with their first ones" * any(
        one.first for one in data.conditions
    )
    tokens += "; thought_tokens: those of them that are thought" * ("thought_tokens" in spent)
    tail = (tokens, *cut_sample_notes(data, "a single sample"))
    notes = (*sample_size_notes(data, "a single sample"), *drawn_notes(data, table), *tail)
    return Table(pd.concat([labels, table], axis=1), notes)


def _of_one_sample(data: Data, frame: pd.DataFrame) -> pd.DataFrame:
    """Return what is known at k = 1, where no subset was drawn, in the conditions of ``frame``.

    What is drawn at other k takes the only sample there is, and so is that of a single sample.
    """
    exact = {column: name for name, column in exact_columns(data).items()}
    there = data.exact["condition"].isin(frame["condition"].unique())
    ones = data.exact.loc[there & (data.exact["k"] == 1), [*POOL, *exact]]
    ones = ones.assign(single_sample=ones["pass@k"]).rename(columns=exact)
    for name in drawn_outcomes(data):
        ones[name], ones[f"{name}{VARIANCE}"] = ones[SINGLE], 0.0
    return ones


def sampling_check(data: Data) -> Table:
    """Means over the drawn subsets against exact expectations: z beyond ±4 would be a fault."""
    drawn = data.judged.groupby(POOL, observed=True)[list(data.outcomes)].agg(["mean", "count"])
    drawn.columns = drawn.columns.map(" ".join)
    known = drawn.reset_index().merge(data.exact, on=POOL)
    names = ["k", "condition", "outcome", "drawn", "error", "exact", "z", "pools"]
    rows = []
    for key, part in known.groupby(["k", "condition"], observed=True):
        for outcome, name in exact_columns(data).items():
            p, mean = part[name].to_numpy(), part[f"{outcome} mean"].to_numpy()
            variance = p * (1 - p) / part[f"{outcome} count"].to_numpy()
            error = float(np.sqrt(np.clip(variance, 0, None).sum())) / len(p)
            gap = float(mean.mean() - p.mean())
            z = gap / error if error > 1e-12 else 0.0
            rows.append((*key, outcome, mean.mean(), error, p.mean(), z, len(p)))
    short = len(known_outcomes(data)) - len(known)
    what = "pools of which no subset without a sample of unknown correctness was drawn"
    notes = (
        "z = (drawn - exact) / error, the standard error of the draw",
        *unknown_sample_notes(data),
        *[f"{short} {what} are left out here, and of {DRAWN}…, alone"] * bool(short),
    )
    return Table(pd.DataFrame(rows, columns=names), notes)
