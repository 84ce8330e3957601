"""Real texts that are made to think are graded as if they had not thought: only answers count."""

import gzip
import json
import random
from pathlib import Path

import pytest

from workbench.config.schema import TaskSettings
from workbench.core.types import Known, Problem, Prompt, Request
from workbench.score.grading import grade
from workbench.storage.parquet import sample_rows
from workbench.tasks.answer_checking import Comparer
from workbench.tasks.checkers import CHECKERS

DATA = Path(__file__).resolve().parents[4] / "shared/data/generations"
REAL = DATA / "renze_gpt35_math_mcq.jsonl.gz"
COUNT = 14_000
GRADED = 100
"""So many of them are graded as well; it takes a millisecond each."""


def made_to_think(text, texts, rng):
    """Return a text with a thought before it, cut anywhere in half of all cases, and without it.

    Returns:
        (without its thought, with it, why it ended).
    """
    one, two = rng.choice(texts), rng.choice(texts)
    parts = rng.choice([
        [("<think>", one, "</think>"), text],
        [("", one, "</think>"), text],
        [("[THINK]", f"{one}</think>", "[/THINK]"), text],
        [("<think>", one, "</think>"), two, ("<think>", two, "</think>"), text],
    ])  # fmt: skip
    if rng.random() < 0.5:
        return text, "".join("".join(part) for part in parts), "stop"
    parts = parts[: rng.randrange(1, len(parts) + 1)]
    *before, last = parts
    begun = "".join("".join(part) for part in before)
    if isinstance(last, str):
        kept = last[: rng.randrange(len(last) + 1)]
        return kept, begun + kept, "length"
    opening, *rest = last
    if not opening:  # only the prompt could say that this is a thought
        return "", begun + "".join(rest), "length"
    rest = "".join(rest)
    return "", begun + opening + rest[: rng.randrange(len(rest) + 1)], "length"


@pytest.mark.skipif(not REAL.exists(), reason=f"{REAL} is not there: it is not of the project")
def test_a_thought_changes_no_verdict():
    rng = random.Random(5)
    with gzip.open(REAL) as file:
        rows = [json.loads(line) for line in rng.sample(list(file), COUNT)]
    known = {row["problem_id"]: Known(Problem(row["problem_id"], "?", row["gold"]), "")
             for row in rows}  # fmt: skip
    texts = [row["text"] for row in rows]
    made = [made_to_think(text, texts, rng) for text in texts]
    task = TaskSettings(name="jsonl", options={"compare": "choice"})

    plain, thinking = (
        [
            Request(row["problem_id"], 0.7, i, Prompt(text="?"), "h", 1).sampled(
                kinds[column], kinds[2]
            )
            for i, (row, kinds) in enumerate(zip(rows, made, strict=True))
        ]
        for column in (0, 1)
    )
    read = [[(s.completion, s.stop_reason) for s in drawn] for drawn in (plain, thinking)]
    assert read[0] == read[1]  # all that grading reads of a sample
    assert all(sample.thought is not None for sample in thinking)

    def graded(drawn):
        with Comparer(CHECKERS["choice"], workers=1) as comparer:
            return grade(sample_rows(drawn[:GRADED]), known, task, None, comparer)

    found = graded(thinking)
    assert found == graded(plain)
    assert {"answered", "truncated"} <= set(found.statuses)
    assert sum(map(bool, found.correct)) > GRADED / 5
