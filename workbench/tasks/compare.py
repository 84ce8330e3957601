"""CHECKERS: the ways of comparing an answer with the known one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from workbench.tasks.math_answers import answers_equal, canonical_answer


@dataclass(frozen=True, slots=True)
class Checker:
    """How answers of one kind are spelt and compared."""

    canonical: Callable[[str], str]
    """The spelling under which an answer is counted and compared with others."""
    equal: Callable[[str, str], bool | None]
    """(gold, answer) -> is it right; None where the check timed out."""
    summary: str
    slow: bool = False
    """Whether a comparison can take long, or hang: then it is made in a worker process."""


CHECKERS: dict[str, Checker] = {
    "math": Checker(canonical_answer, answers_equal, "LaTeX or numbers, by math-verify", slow=True),
}
