"""Answers of MT-bench (FastChat), with the marks of its judge and its questions beside them.

A line of ``model_answer/MODEL.jsonl`` is a question with ``choices``, each of them two ``turns``.
Each turn is a problem of its own here. ``question.jsonl`` in the folder above has the questions,
``model_judgment/JUDGE_single.jsonl`` the marks from 1 to 10 that a judge gave the first choice.
A mark is read as a reward, divided by 10; whether an answer is correct is unknown. Comparisons of
two models' answers (``JUDGE_pair.jsonl``) are counted and not read, nor are reference answers.
Source: https://github.com/lm-sys/FastChat, ``fastchat/llm_judge/gen_model_answer.py``,
``gen_judgment.py`` and ``common.py``.
"""

from collections.abc import Iterator
from functools import partial
from pathlib import Path

from workbench.interchange.readers import jsonl
from workbench.interchange.readers.records import LocatedRecord, Record, say_once, split_row

INTERPRETATION = (
    "a turn of a question as a problem, choices as samples; the marks of a judge, which has only "
    "seen the first choice, as rewards divided by 10; correctness is unknown; comparisons of two "
    "models are not read"
)
HIGHEST = 10
REFERENCES = "reference_answer"
"""The folder of answers that the judge compares with; they are samples only if they are named."""
Marks = dict[str, dict[tuple[object, object, int], float]]
"""Judge -> (question, model, turn from 1) -> mark."""


def read(path: Path) -> Iterator[LocatedRecord]:
    """Yield the turns of a file's answers; ValueError if it or what is beside it is damaged."""
    home = path.resolve().parent.parent
    try:
        questions = {
            row["question_id"]: row.get("turns") or []
            for row in _rows(home / "question.jsonl", "question_id")
        }
        marks = _marks(home)
    except TypeError as fault:
        raise ValueError(
            f"the questions or judgments in {home} are not in the known form of MT-bench ({fault})"
        ) from fault
    for file in _comparisons(home):
        count = sum(1 for _ in _rows(file))
        say_once(f"{file.name}: its {count:,} comparisons of two models' answers are not read")
    split = partial(_samples, questions=questions, marks=marks)
    for located in jsonl.read(path):
        yield from split_row(located, split, "not in the known form of MT-bench's answers")


def _marks(home: Path) -> Marks:
    """Return what the judges gave the answers in a folder."""
    marks: Marks = {}
    for file in _judgments(home):
        for row in _rows(file, "question_id", "model", "score"):
            if row["score"] >= 0:  # -1: the judge gave none
                key = (row["question_id"], row["model"], row.get("turn", 1))
                marks.setdefault(file.name.removesuffix("_single.jsonl"), {})[key] = row["score"]
    return marks


def beside(path: Path) -> list[Path]:
    """Return the questions, judgments and reference answers that belong to a file of answers."""
    home = path.parent.parent
    references = [*home.glob(f"{REFERENCES}/*.jsonl")] if path.parent.name != REFERENCES else []
    return [home / "question.jsonl", *_judgments(home), *_comparisons(home), *references]


def _judgments(home: Path) -> list[Path]:
    return sorted(home.glob("model_judgment/*_single.jsonl"))


def _comparisons(home: Path) -> list[Path]:
    return sorted(home.glob("model_judgment/*_pair.jsonl"))


def _rows(path: Path, *needed: str) -> Iterator[Record]:
    """Yield the lines of a file beside the answers, which need keys; none if it is not there."""
    if not path.is_file():
        return
    for label, row in jsonl.read(path):
        if isinstance(row, ValueError):
            raise ValueError(f"{path}, {label}: {row}; fetch it again")
        lacking = ", ".join(key for key in needed if key not in row)
        if lacking:
            raise ValueError(f"{path}, {label}: not in the known form of MT-bench (no {lacking})")
        yield row


def _samples(row: Record, questions: Record, marks: Marks) -> Iterator[tuple[str, Record]]:
    question, model = row["question_id"], row["model_id"]
    asked = questions.get(question, [])
    for choice in row["choices"]:
        for turn, text in enumerate(choice["turns"], start=1):
            shared = {
                "problem_id": f"{question}-turn-{turn}",
                "problem": asked[turn - 1] if turn <= len(asked) else None,
                "text": text["content"] if isinstance(text, dict) else text,  # as Arena-Hard
                "model": model,
            }
            label = f"choice {choice['index']}, turn {turn}"
            for judge, given in marks.items():
                mark = given.get((question, model, turn)) if choice["index"] == 0 else None
                reward = None if mark is None else mark / HIGHEST
                yield label, shared | {"reward": reward, "graded_by": judge}
            if not marks:
                yield label, shared
