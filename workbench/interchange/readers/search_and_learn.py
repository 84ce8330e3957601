"""Completions of search-and-learn: a row for each problem, with step scores of its completions.

A file is ``APPROACH_completions.jsonl`` or the Parquet of a pushed data set. ``scores`` has for
each completion the scores of a process reward model after each step. The last one is taken as the
reward, as by the tool's default ``agg_strategy: last``. No column has the temperature or top_p:
they are taken from the file's path, where that has the name of the data set's revision
(``...--T-0.8--top_p-1.0--...``).
Source: https://github.com/huggingface/search-and-learn, ``src/sal/config.py`` and ``search/``.
"""

import re
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from workbench.interchange.readers.records import LocatedRecord, Record, split_row
from workbench.interchange.readers.rows import read_rows
from workbench.tasks.problem_files import ID_KEYS, QUESTION_KEYS

INTERPRETATION = (
    "completions as samples; the score of a completion's last step as its reward; pred and other "
    "choices among them are left out"
)


def read(path: Path) -> Iterator[LocatedRecord]:
    """Yield the completions of a file; ValueError if it is damaged."""
    drawn = {
        name: float(found[1])
        if (found := re.search(rf"--{short}-(\d+(?:\.\d+)?)--", str(path)))
        else None
        for name, short in (("temperature", "T"), ("top_p", "top_p"))
    }
    for number, row in enumerate(read_rows(path, "completions")):
        split = partial(_samples, default=f"problem-{number}", drawn=drawn)
        yield from split_row(row, split, "not in the known form of search-and-learn")


def _samples(row: Record, default: str, drawn: Record) -> Iterator[tuple[str, Record]]:
    texts, scores = row["completions"], row["scores"]
    if len(scores) != len(texts):
        raise ValueError(f"scores: there are {len(scores)} for {len(texts)} completions")
    tokens = row.get("completion_tokens")
    if not isinstance(tokens, list) or len(tokens) != len(texts):
        tokens = [None] * len(texts)
    shared = drawn | {
        "problem_id": next((row[k] for k in ID_KEYS if row.get(k) is not None), default),
        "problem": next((row[key] for key in QUESTION_KEYS if key in row), None),
        "gold": row.get("answer"),
    }
    samples = zip(texts, scores, tokens, strict=True)
    for number, (text, steps, count) in enumerate(samples, start=1):
        last = steps[-1] if isinstance(steps, list) and steps else steps
        reward = None if last == [] else last
        num_tokens = count if count is not None and count >= 0 else None
        own = {"text": text, "reward": reward, "num_tokens": num_tokens}
        yield f"completion {number}", shared | own
