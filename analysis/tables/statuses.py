"""Table of what became of the samples of a run."""

from __future__ import annotations

import pandas as pd

from workbench.analysis.frames import Data, Table
from workbench.analysis.pool_facts import RULE
from workbench.analysis.tables.shared import cut_sample_notes, extreme_notes, long_text_notes
from workbench.core.types import OUTCOMES, STATUSES
from workbench.tasks.answer_extraction import RULES

OF_ANSWERS = ("answered", "no_answer", "truncated", "timeout", "error")
"""Statuses that have a column even where no sample has them."""
OF_PROGRAMS = ("passed", "failed", "exception", "syntax", "timeout", "no_answer", "truncated")
"""The same where answers are programs."""


def statuses(data: Data) -> Table:
    """What became of the samples, by condition: statuses, answer rules, accuracy, repeats."""
    counted = data.pools[list(STATUSES)].any()
    programs = bool(counted[list(OUTCOMES)].any())
    usual = [f"{RULE}{rule}" for rule in RULES if not programs or data.pools[f"{RULE}{rule}"].any()]
    others = [c for c in data.pools.columns if c.startswith(RULE) and c not in usual]
    others = sorted(c for c in others if data.pools[c].any())
    named = OF_PROGRAMS if programs else OF_ANSWERS
    kinds = [status for status in STATUSES if status in named or counted[status]]
    names = ["samples", *kinds, *["unknown"] * bool(data.unknown), *usual, *others]
    values = ["accuracy", "distinct_texts", "mean_tokens"]
    shown = [v for v in values if v == "distinct_texts" or data.pools[v].notna().any()]
    shown += ["share_passed"] * bool(data.pools["share_passed"].notna().any())
    shown += ["mean_thought_tokens"] * bool((data.pools["mean_thought_tokens"] > 0).any())
    rows = []
    for condition, part in data.pools.groupby("condition", sort=True, observed=True):
        row: dict[str, object] = {"condition": condition}
        row |= {name: int(part[name].sum()) for name in names}
        rows.append(row | data.means(part, shown))
    notes = ["counts of samples; accuracy over samples whose correctness is known"]
    if data.unknown:
        left = "samples are of unknown correctness (unknown), left out of accuracy"
        notes.append(f"{data.unknown:,} {left}")
    if programs:
        notes.append(
            "answers are programs: passed are right, failed had another value than a test expects"
        )
    if "share_passed" in shown:
        notes.append("share_passed: share of the tests that a program passes, mean over problems")
    notes.append("distinct_texts: share of distinct texts in a pool, mean over problems")
    if "mean_tokens" not in shown:
        notes.append("lengths in tokens are unknown")
    if "mean_thought_tokens" in shown:
        notes.append("mean_thought_tokens: those of the mean_tokens that are thought, not answer")
    notes += extreme_notes(data, "accuracy") + cut_sample_notes(data, "accuracy")
    return Table(pd.DataFrame(rows), (*notes, *long_text_notes(data)))
