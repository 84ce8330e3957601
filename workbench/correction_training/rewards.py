"""The rewards of answers: what the project's own tasks say of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import ExitStack

import numpy as np
import pyarrow as pa

from workbench.config.schema import TaskSettings
from workbench.config.scoring_schema import Scoring
from workbench.core.types import Floats, Known, Sample
from workbench.correction_training.problems import AskedProblem
from workbench.score.graders import Grader, open_grader
from workbench.score.grading import Graded
from workbench.tasks import TASKS


class Rewarder(ExitStack):
    """Grades the answers of a training. A context manager, which ends the processes it started."""

    def __init__(
        self,
        tasks: Mapping[str, TaskSettings],
        scoring: Scoring,
        reward: str,
        workers: int | None = None,
    ) -> None:
        """Start nothing yet.

        Raises:
            ValueError: partial rewards are wanted of a task whose answers are no programs.
        """
        super().__init__()
        self._partial = reward == "partial"
        self._programs = {name: TASKS[task.name].programs for name, task in tasks.items()}
        self._graders: dict[str, Grader] = {}
        for name, task in tasks.items():
            if self._partial and not self._programs[name]:
                known = ", ".join(name for name, row in TASKS.items() if row.programs)
                raise ValueError(
                    f"training.reward: 'partial' is the share of tests that a program passes, and "
                    f"the answers of {task.name} are no programs (only those of {known}); set it "
                    "to binary"
                )
            grader = open_grader(task, scoring, workers, quiet=True)
            self._graders[name] = self.enter_context(grader)

    def rewards(self, problems: Sequence[AskedProblem], samples: Sequence[Sample]) -> Floats:
        """Return the reward of each sample, (samples,): NaN where it is not known if it is right.

        ``problems`` holds the problem of each sample.
        """
        found = np.full(len(samples), np.nan)
        for name, grader in self._graders.items():
            rows = [row for row, one in enumerate(problems) if one.task == name]
            if rows:
                graded = self._graded(grader, name, [(problems[row], samples[row]) for row in rows])
                values = graded.columns["share_passed"] if self._partial else graded.correct
                found[rows] = [np.nan if value is None else float(value) for value in values]
        return found

    def _graded(
        self, grader: Grader, name: str, pairs: Sequence[tuple[AskedProblem, Sample]]
    ) -> Graded:
        """Grade samples of one task.

        Answers are graded as if each were to a problem of its own: which of them agree is not
        asked, and takes as long again. Programs of one problem share what they are called with.
        """
        own = [
            one.problem.id if self._programs[name] else str(row)
            for row, (one, _) in enumerate(pairs)
        ]
        known = {key: Known(one.problem, "") for key, (one, _) in zip(own, pairs, strict=True)}
        columns = {
            "problem_id": own,
            "completion": [sample.completion for _, sample in pairs],
            "stop_reason": [sample.stop_reason for _, sample in pairs],
        }
        return grader.grade(pa.table(columns), known, None)
