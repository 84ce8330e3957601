"""Which answers are right, as far as that is certain at once: no process is started for the rest.

What a stage decides with worker processes stays undecided here, so a look at samples costs little.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Protocol

from workbench.core.types import UNANSWERED
from workbench.tasks.answer_checking import Grades, Question, Verdict
from workbench.tasks.checkers import Checker

MOST_ANSWERS = 1 << 14
"""Pairs of a known and another answer whose verdict is kept, so that each is compared once."""


class ComparesAnswers(Protocol):
    """What grading asks of a comparer, quick or thorough."""

    @property
    def canonical(self) -> Callable[[str], str]:
        """The spelling under which answers are compared."""

    def run(self, questions: Sequence[Question]) -> list[Grades]:
        """Return the grades of the answers of many problems."""


class QuickComparer:
    """Compares answers with the known ones in this process, and not with one another."""

    def __init__(self, checker: Checker) -> None:
        """Keep the verdicts of the answers that were compared last."""
        self.canonical = checker.canonical
        self._verdict = lru_cache(MOST_ANSWERS)(checker.quick or checker.equal)

    def run(self, questions: Sequence[Question]) -> list[Grades]:
        """Return the verdicts of many problems; None is one that is not certain at once.

        No answer is in a cluster, as for that they would be compared with one another.
        """
        return [
            (self._verdicts(gold, answers), [UNANSWERED] * len(answers))
            for gold, answers in questions
        ]

    def _verdicts(self, gold: str | None, answers: Sequence[str | None]) -> dict[str, Verdict]:
        if gold is None:
            return {}
        return {
            answer: self._verdict(gold, answer)
            for answer in dict.fromkeys(answers)
            if answer is not None
        }
