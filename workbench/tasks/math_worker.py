r"""What a process that compares mathematics has in memory: math-verify, made faster and warmed up.

Imported by the server that such processes are forked off, for its effects, and by nothing else.
Nothing that math-verify answers is changed; it only takes a fraction of the time:

- Its parser looks at all that surrounds a symbol before it decides how to read it. Most can be
  decided without (ANTLR's SLL mode, which comes either to the same tree or to an error); after an
  error the text is read again with care.
- It makes each number by way of sympy's parser of Python. Here, each once.
- It simplifies what is plainly not zero, and solves an equation for each one it compares with it.
- The first texts take ten times as long, while ANTLR learns the grammar and sympy loads modules.

Source:
    Parr, Harwell and Fisher (2014), Adaptive LL(*) parsing, section 3.2, on two stages.
"""

from __future__ import annotations

import signal
from functools import lru_cache
from typing import Any

from antlr4.atn.PredictionMode import PredictionMode  # type: ignore[import-untyped]
from latex2sympy2_extended import latex2sympy2  # type: ignore[import-untyped]
from math_verify import grader

from workbench.tasks.math_answers import answers_equal
from workbench.tasks.math_numeric import differ, form

signal.signal(signal.SIGINT, signal.SIG_IGN)  # as the server will once it has imported this
PAIRS = (
    (r"\frac{3}{4}", "0.7"),
    (r"3\sqrt{5}", r"\frac{2\sqrt{7}}{3}"),
    ("x^2 + 3x - 1", "(x+1)(x-2)"),
    (r"\frac{2+3a}{4}", r"-\frac{\pi}{3}"),
    (r"(1,\frac{\pi}{3})", r"(1,\frac{\pi}{7})"),
    (r"(-\infty,1] \cup (3,5)", r"[2,3)"),
    (r"(-\sqrt{2}, \sqrt{2})", r"x \in [1,2]"),
    (r"\{1,2\}", "1, 3"),
    (r"1 \pm \sqrt{2}", "3 - 5i"),
    ("2x + 3y - z = 4", "2x + 3y - z = 5"),
    ("y=2x+1", "x=3"),
    (r"\text{yes}", r"30^\circ"),
    ("1011_{2}", "52_8"),
    (r"\begin{pmatrix} 1 \\ 2/3 \end{pmatrix}", r"\begin{pmatrix} 1 \\ 3 \end{pmatrix}"),
)
"""Answers of the usual kinds, to warm up with."""


class _NeedsCare(Exception):
    """A text has an error, or cannot be read without looking around."""


class QuickParser(latex2sympy2.PSParser):  # type: ignore[misc]
    """Reads without looking around where that comes to the same, else again as its parent does."""

    careful = False

    def math(self) -> Any:
        """Read a whole text."""
        self._interp.predictionMode = PredictionMode.SLL
        try:
            return super().math()
        except _NeedsCare:
            self.careful = True
            self.reset()
            self._interp.predictionMode = PredictionMode.LL
            return super().math()

    def atom_expr(self) -> Any:
        """Read a variable with its indices: what the next power belongs to needs care, always."""
        before = self._interp.predictionMode
        self._interp.predictionMode = PredictionMode.LL
        try:
            return super().atom_expr()
        finally:
            self._interp.predictionMode = before

    def notifyErrorListeners(self, *told: Any) -> None:
        """Tell of a syntax error, unless the text has yet to be read with care."""
        if not self.careful:
            raise _NeedsCare
        super().notifyErrorListeners(*told)


_parse_number = latex2sympy2._Latex2Sympy.parse_number


@lru_cache(maxsize=1 << 12)
def _number(text: str) -> Any:
    return _parse_number(None, text)


def _simplify(difference: Any) -> Any:
    """Return something that is zero if the difference is, and nothing else is asked of it."""
    return difference if differ(form(difference), 0j) else _thoroughly(difference)


def _solve(equation: Any, unknowns: set[Any]) -> Any:
    return _solved(equation, frozenset(unknowns))


@lru_cache(maxsize=1 << 12)
def _solved(equation: Any, unknowns: frozenset[Any]) -> Any:
    return _by_sympy(equation, set(unknowns))


_thoroughly, grader.simplify = grader.simplify, _simplify
_by_sympy, grader.solve = grader.solve, _solve
latex2sympy2.PSParser = QuickParser
latex2sympy2._Latex2Sympy.parse_number = lambda _, text: _number(text)
for pair in PAIRS:
    answers_equal(*pair)
