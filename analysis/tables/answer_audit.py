"""Table of the answers whose correctness hangs on a lenient rule or on a guess."""

from __future__ import annotations

from collections import Counter

import pandas as pd

from workbench.analysis.frames import Data, Table
from workbench.storage.parquet import read_table
from workbench.tasks import TASKS
from workbench.tasks.lenient_rules import LAST_RESORTS, LENIENT_RULES, lenient_rule

EXAMPLES = 3
"""How many of the commonest pairs of answers are shown of each rule."""
SCORES = ["problem_id", "answer", "answer_rule", "is_correct"]


def answer_audit(data: Data) -> Table:
    """Samples whose correctness hangs on a lenient rule or a last resort, with examples.

    A row for each of the commonest pairs of a known answer and an answer. ``samples`` counts all
    samples of the rule, ``share`` is theirs of all samples of known correctness, ``of_these``
    counts those of the row.
    """
    golds = dict(zip(data.run.problems["problem_id"], data.run.problems["gold"], strict=True))
    task = TASKS.get(data.run.experiment.task.name)
    if task is not None and task.programs:
        return Table(
            pd.DataFrame(), ("answers are programs, judged by their tests: no rule is lenient",)
        )
    pairs: dict[str, Counter[tuple[str, str, bool]]] = {}
    total = 0
    for block in data.run.blocks:
        scores = read_table(data.run.folder.block_path("scores", block), columns=SCORES)
        total += scores.num_rows - scores.column("is_correct").null_count
        rows = Counter(zip(*(scores.column(name).to_pylist() for name in SCORES), strict=True))
        for (problem, answer, found_by, correct), count in rows.items():
            gold = golds[problem]
            if gold is None or answer is None or correct is None:
                continue
            rules = [f"extraction: {found_by}"] if found_by in LAST_RESORTS else []
            if correct and (rule := lenient_rule(gold, answer)):
                rules.append(rule)
            for rule in rules:
                pairs.setdefault(rule, Counter())[gold, answer, correct] += count
    table = [
        {
            "rule": rule, "samples": counts.total(), "share": counts.total() / total,
            "known_answer": gold, "answer": answer, "correct": correct, "of_these": count,
        }
        for rule, counts in sorted(pairs.items(), key=lambda item: (-item[1].total(), item[0]))
        for (gold, answer, correct), count in sorted(
            counts.most_common(), key=lambda item: (-item[1], item[0])
        )[:EXAMPLES]
    ]  # fmt: skip
    meanings = [f"{rule}: {LENIENT_RULES[rule]}" for rule in LENIENT_RULES if rule in pairs]
    if not table:
        meanings = ["no answer is right by a lenient rule, and none was found by a guess"]
    return Table(pd.DataFrame(table), tuple(meanings))
