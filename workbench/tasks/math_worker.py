r"""Makes math-verify faster in the processes that compare answers, and warms it up.

Why it exists: with ``math_numeric.py`` it compares answers more than ten times as fast (0.4 instead
of 6.7 s for 10,000 answers; a row of ``make bench``). Importing it replaces functions inside
math-verify, which changes how long a comparison takes and never its result:

- The parser of LaTeX, made by ANTLR, considers the whole context of each symbol (LL mode). Nearly
  always less is enough (SLL mode, which gives the same tree or an error); where it is not, the text
  is parsed again in LL mode.
- Each number is read by sympy's parser of Python, which takes long; here its results are cached.
- ``simplify`` is not called for a difference that is not zero at one point, and the solutions of an
  equation are cached.
- The first texts take ten times as long as others, while ANTLR learns the grammar and sympy loads
  modules. So pairs of the usual kinds are compared once, on import.

It is imported by name, in the server process that workers are forked from (``answer_checking.py``).

Source:
    Parr, Harwell and Fisher (2014), Adaptive LL(*) parsing, section 3.2, on parsing in two stages.
"""

from __future__ import annotations

import signal
from functools import lru_cache
from typing import Any

from antlr4.atn.PredictionMode import PredictionMode  # type: ignore[import-untyped]
from latex2sympy2_extended import latex2sympy2  # type: ignore[import-untyped]
from math_verify import grader

from workbench.tasks.math_answers import answers_equal
from workbench.tasks.math_numeric import value_of

signal.signal(signal.SIGINT, signal.SIG_IGN)  # as the server does for itself afterwards
WARM_UP_PAIRS = (
    (r"\frac{3}{4}", "0.7"), (r"3\sqrt{5}", r"\frac{2\sqrt{7}}{3}"),
    ("x^2 + 3x - 1", "(x+1)(x-2)"), (r"\frac{2+3a}{4}", r"-\frac{\pi}{3}"),
    (r"(1,\frac{\pi}{3})", r"(1,\frac{\pi}{7})"), (r"(-\infty,1] \cup (3,5)", r"[2,3)"),
    (r"(-\sqrt{2}, \sqrt{2})", r"x \in [1,2]"), (r"\{1,2\}", "1, 3"),
    (r"1 \pm \sqrt{2}", "3 - 5i"), ("2x + 3y - z = 4", "2x + 3y - z = 5"),
    ("y=2x+1", "x=3"), (r"\text{yes}", r"30^\circ"), ("1011_{2}", "52_8"),
    (r"\begin{pmatrix} 1 \\ 2/3 \end{pmatrix}", r"\begin{pmatrix} 1 \\ 3 \end{pmatrix}"),
)  # fmt: skip
"""Pairs of answers of the usual kinds."""
SURELY_NOT_ZERO = 1e-4
"""A difference at one point that is larger is no matter of rounding."""


class _NeedsFullContext(Exception):
    """SLL mode found an error, which may be due to the mode or be one of the text."""


class TwoStageParser(latex2sympy2.PSParser):  # type: ignore[misc]
    """Parses in SLL mode, and after an error again in LL mode, as its parent does."""

    full_context = False

    def math(self) -> Any:
        """Parse a whole text."""
        self._interp.predictionMode = PredictionMode.SLL
        try:
            return super().math()
        except _NeedsFullContext:
            self.full_context = True
            self.reset()
            self._interp.predictionMode = PredictionMode.LL
            return super().math()

    def atom_expr(self) -> Any:
        """Parse a variable with its indices in LL mode: SLL may attach the next power wrongly."""
        before = self._interp.predictionMode
        self._interp.predictionMode = PredictionMode.LL
        try:
            return super().atom_expr()
        finally:
            self._interp.predictionMode = before

    def notifyErrorListeners(self, *arguments: Any) -> None:
        """Report a syntax error in LL mode; in SLL mode have the text parsed again."""
        if not self.full_context:
            raise _NeedsFullContext
        super().notifyErrorListeners(*arguments)


_parse_number = latex2sympy2._Latex2Sympy.parse_number


@lru_cache(maxsize=1 << 12)
def _cached_number(text: str) -> Any:
    return _parse_number(None, text)


def _simplify(difference: Any) -> Any:
    """Simplify a difference unless it is surely not zero: math-verify only asks whether it is."""
    value = value_of(difference)
    surely = isinstance(value, complex) and abs(value) > SURELY_NOT_ZERO
    return difference if surely else _sympy_simplify(difference)


def _solve(equation: Any, unknowns: set[Any]) -> Any:
    return _cached_solutions(equation, frozenset(unknowns))


@lru_cache(maxsize=1 << 12)
def _cached_solutions(equation: Any, unknowns: frozenset[Any]) -> Any:
    return _sympy_solve(equation, set(unknowns))


_sympy_simplify, grader.simplify = grader.simplify, _simplify
_sympy_solve, grader.solve = grader.solve, _solve
latex2sympy2.PSParser = TwoStageParser
latex2sympy2._Latex2Sympy.parse_number = lambda _, text: _cached_number(text)
for pair in WARM_UP_PAIRS:
    answers_equal(*pair)
