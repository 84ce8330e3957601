"""Asks whether an accuracy of 0 or 1 can be right, once all samples of a run are scored."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pyarrow.compute as pc

from workbench.core.console import notice
from workbench.core.types import Known
from workbench.storage.open_run import OpenRun
from workbench.storage.parquet import read_table
from workbench.tasks.doubtful_accuracy import Correctness, doubt

COLUMNS = ("problem_id", "answer", "is_correct")


def question_accuracy(run: OpenRun, grouped: Mapping[int, Sequence[Known]]) -> None:
    """Print one line if all samples of known correctness are right, or all are wrong."""
    counted = Correctness()
    for block in run.blocks_with_samples():
        scores = read_table(run.block_path("scores", block), COLUMNS)
        scores = scores.filter(pc.is_valid(scores["is_correct"]))
        golds = {known.problem.id: known.problem.gold for known in grouped[block]}
        for row in scores.to_pylist():
            counted.add(row["is_correct"], golds[row["problem_id"]], row["answer"], "")
        if counted.right and counted.wrong:
            return
    if line := doubt(counted, run.task):
        notice(f"score: {line}")
