"""Answers of MT-bench (FastChat), with the marks of its judge and its questions beside them.

A line of ``model_answer/MODEL.jsonl`` is a question with ``choices``, each of them two ``turns``.
Each turn is a problem of its own here. ``question.jsonl`` in the folder above has the questions,
``model_judgment/JUDGE_single.jsonl`` the marks from 1 to 10 that a judge gave the first choice.
A mark is read as a reward, divided by 10; whether an answer is correct is unknown.
Source: https://github.com/lm-sys/FastChat, ``fastchat/llm_judge/gen_model_answer.py``,
``gen_judgment.py`` and ``common.py``.
"""

from collections.abc import Iterator
from functools import partial
from pathlib import Path

from workbench.interchange.readers import jsonl
from workbench.interchange.readers.records import LocatedRecord, Record, split_row

INTERPRETATION = (
    "a turn of a question as a problem, choices as samples; the marks of a judge, which has only "
    "seen the first choice, as rewards divided by 10; correctness is unknown"
)
HIGHEST = 10
Marks = dict[str, dict[tuple[object, object, int], float]]
"""Judge -> (question, model, turn from 1) -> mark."""


def read(path: Path) -> Iterator[LocatedRecord]:
    """Yield the turns of a file's answers; ValueError if it or what is beside it is damaged."""
    home = path.resolve().parent.parent
    questions = {
        row["question_id"]: row.get("turns") or [] for row in _rows(home / "question.jsonl")
    }
    marks: Marks = {}
    for file in _judgments(home):
        for row in _rows(file):
            if row["score"] >= 0:  # -1: the judge gave none
                key = (row["question_id"], row["model"], row["turn"])
                marks.setdefault(file.name.removesuffix("_single.jsonl"), {})[key] = row["score"]
    split = partial(_samples, questions=questions, marks=marks)
    for located in jsonl.read(path):
        yield from split_row(located, split, "not in the known form of MT-bench's answers")


def beside(path: Path) -> list[Path]:
    """Return the questions and the judgments that belong to a file of answers."""
    home = path.parent.parent
    return [home / "question.jsonl", *_judgments(home), *home.glob("model_judgment/*_pair.jsonl")]


def _judgments(home: Path) -> list[Path]:
    return sorted(home.glob("model_judgment/*_single.jsonl"))


def _rows(path: Path) -> Iterator[Record]:
    """Yield the lines of a file beside the answers; none if it is not there."""
    if not path.is_file():
        return
    for label, row in jsonl.read(path):
        if isinstance(row, ValueError):
            raise ValueError(f"{path}, {label}: {row}; fetch it again")
        yield row


def _samples(row: Record, questions: Record, marks: Marks) -> Iterator[tuple[str, Record]]:
    question, model = row["question_id"], row["model_id"]
    asked = questions.get(question, [])
    for choice in row["choices"]:
        for turn, text in enumerate(choice["turns"], start=1):
            shared = {
                "problem_id": f"{question}-turn-{turn}",
                "problem": asked[turn - 1] if turn <= len(asked) else None,
                "text": text,
                "model": model,
            }
            label = f"choice {choice['index']}, turn {turn}"
            for judge, given in marks.items():
                mark = given.get((question, model, turn)) if choice["index"] == 0 else None
                reward = None if mark is None else mark / HIGHEST
                yield label, shared | {"reward": reward, "graded_by": judge}
            if not marks:
                yield label, shared
