"""Samples of Qwen2.5-Math's and ToRA's evaluation: a row for each problem, with lists of samples.

A file is ``DATA/SPLIT_PROMPT_N_seedS_tT_s0_e-1.jsonl``: data set, number of problems, seed and
temperature are in its name. ``code`` has the responses, ``pred`` the answers found in them and
``score`` whether they are right; ``pred_score`` has a reward of each, in a list of one. A problem
is named by the data set (the folder) and ``idx``.
Source: https://github.com/QwenLM/Qwen2.5-Math, ``evaluation/math_eval.py``, ``evaluate.py`` and
``rm_maj_eval.py``;
https://github.com/microsoft/ToRA, ``src/infer/inference_api.py``.
"""

import re
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from workbench.interchange.readers.records import LocatedRecord, Record, split_row
from workbench.interchange.readers.rows import read_rows

INTERPRETATION = (
    "code as the texts, pred as the answers, score as correctness, pred_score as rewards, gt as "
    "the known answer; the temperature by the file's name"
)
NAME = re.compile(r"_seed\d+_t(?P<temperature>\d+(?:\.\d+)?)(?=_|\.jsonl)")


def read(path: Path) -> Iterator[LocatedRecord]:
    """Yield the samples of a file; ValueError if it is damaged."""
    named = NAME.search(path.name)
    temperature = float(named["temperature"]) if named else None
    split = partial(_samples, data=path.resolve().parent.name, temperature=temperature)
    for row in read_rows(path, "code"):
        yield from split_row(row, split, "not in the known form of Qwen2.5-Math's evaluation")


def _samples(row: Record, data: str, temperature: float | None) -> Iterator[tuple[str, Record]]:
    texts = row["code"]
    rewards = row.get("pred_score")
    if rewards is not None:
        if any(len(own) != 1 for own in rewards):
            raise ValueError("pred_score must have a list of one reward for each of code")
        rewards = [reward for (reward,) in rewards]
    lists = {"answer": row.get("pred"), "correct": row.get("score"), "reward": rewards}
    for name, values in lists.items():
        if values is not None and len(values) != len(texts):
            raise ValueError(f"there are {len(values)} of {name} for {len(texts)} of code")
    shared = {
        "problem_id": f"{data}-{row['idx']}",
        "problem": row["question"],
        "gold": row["gt"],
        "temperature": temperature,
    }
    for number, text in enumerate(texts):
        own = {name: values[number] for name, values in lists.items() if values is not None}
        yield f"sample {number + 1}", shared | {"text": text} | own
