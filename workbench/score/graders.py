"""Grades the samples of a run, block by block: by comparing answers, or by running programs."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol, Self

import pyarrow as pa

from workbench.config.schema import TaskSettings
from workbench.config.scoring_schema import Scoring
from workbench.core.types import Known
from workbench.score.grading import Graded, grade
from workbench.score.program_runner import ProgramRunner
from workbench.score.programs import grade_programs
from workbench.tasks import TASKS
from workbench.tasks.answer_checking import SECONDS_PER_PROBLEM, Comparer


class Grader(Protocol):
    """Grades samples. A context manager, which ends the processes that it started."""

    counts_blocks: bool
    """Whether blocks are what progress is counted in; else it shows a bar of its own."""

    def __enter__(self) -> Self:
        """Return itself."""

    def __exit__(self, *exception: object) -> None:
        """End the processes."""

    def grade(
        self,
        samples: pa.Table,
        known: Mapping[str, Known],
        given: pa.Table | None,
        journal: Path | None = None,
    ) -> Graded:
        """Grade the samples of whole problems; ``journal`` may keep what took long."""

    def facts(self) -> dict[str, Any]:
        """Return what the manifest keeps of the work that was done."""

    def remarks(self) -> list[str]:
        """Return what a person is to be told of it, in lines."""


def open_grader(
    task: TaskSettings,
    scoring: Scoring,
    workers: int | None = None,
    seed: int = 0,
    *,
    quiet: bool = False,
) -> Grader:
    """Return what grades the samples of a task; by default it works on all cores.

    By the seed are drawn some of the arguments that programs are called with. A ``quiet`` one shows
    no bar.
    """
    if TASKS[task.name].programs:
        return ProgramGrader(task, scoring, workers, seed, quiet=quiet)
    return AnswerGrader(task, workers)


class AnswerGrader:
    """Extracts answers and compares them."""

    counts_blocks = True

    def __init__(self, task: TaskSettings, workers: int | None) -> None:
        """Start nothing yet."""
        self._task = task
        self._comparer = Comparer(TASKS[task.name].checker(task), workers)

    def __enter__(self) -> Self:
        """Return itself."""
        self._comparer.__enter__()
        return self

    def __exit__(self, *exception: object) -> None:
        """End the processes that compare."""
        self._comparer.__exit__(*exception)

    def grade(
        self,
        samples: pa.Table,
        known: Mapping[str, Known],
        given: pa.Table | None,
        journal: Path | None = None,
    ) -> Graded:
        """Grade the samples of whole problems; nothing is kept in a journal."""
        return grade(samples, known, self._task, given, self._comparer)

    def facts(self) -> dict[str, Any]:
        """Return how many comparisons were not made."""
        return {"comparisons_given_up": self._comparer.given_up}

    def remarks(self) -> list[str]:
        """Say so where comparisons were not made."""
        if not (count := self._comparer.given_up):
            return []
        return [
            f"{count:,} comparisons of answers were not made: each problem has "
            f"{SECONDS_PER_PROBLEM} s; answers not compared with the known one time out"
        ]


class ProgramGrader:
    """Finds programs and runs them in the sandbox."""

    counts_blocks = False

    def __init__(
        self,
        task: TaskSettings,
        scoring: Scoring,
        workers: int | None,
        seed: int,
        *,
        quiet: bool = False,
    ) -> None:
        """Start nothing yet."""
        self._task, self._seed = task, seed
        self._runner = ProgramRunner(scoring, workers, quiet=quiet)

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(self, *exception: object) -> None:
        """End the sandboxes."""
        self._runner.close()

    def grade(
        self,
        samples: pa.Table,
        known: Mapping[str, Known],
        given: pa.Table | None,
        journal: Path | None = None,
    ) -> Graded:
        """Grade the samples of whole problems; the journal keeps each verdict."""
        run = self._runner
        return grade_programs(samples, known, self._task, given, run, journal, self._seed)

    def facts(self) -> dict[str, Any]:
        """Return in what the programs ran, how many, and how fast."""
        return {"programs": self._runner.facts()}

    def remarks(self) -> list[str]:
        """Say how many programs could not be run, and how fast the others were."""
        runner = self._runner
        lines = []
        if runner.judged:
            rate = runner.judged / runner.seconds
            lines.append(f"{runner.judged:,} programs run in {runner.kind}, {rate:,.0f} a second")
        if runner.broken:
            lines.append(
                f"{runner.broken:,} programs could not be run, which says nothing of them: their "
                "correctness is unknown; run the same command again to try these once more"
            )
        return lines
