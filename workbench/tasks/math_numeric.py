"""What a formula comes to at one point: two that differ there differ, and no algebra need show it.

math-verify ends most comparisons of wrong answers in sympy's ``simplify``, which takes milliseconds
to find no reason to call two formulas equal. Simplifying keeps the value of a formula wherever its
variables are, so it cannot make 0 of a difference that is not 0 at some point. Nor is a point in
space, a set or an interval equal to another with other members.
"""

from __future__ import annotations

import cmath
from dataclasses import dataclass
from typing import Any
from zlib import crc32

LARGEST_POWER = 1000
"""A larger exponent is left to math-verify, whose time is limited."""
FINITE = ("tuple", "set")
RELATIVE = 1e-9
ABSOLUTE = 1e-4
"""Numbers closer than that are not told apart: math-verify rounds to six decimals."""


@dataclass(frozen=True, slots=True)
class Several:
    """Several forms: of a ``tuple``, ``set`` or ``union``; or the ends of an interval as ``[)``."""

    kind: str
    parts: tuple[Form | None, ...]


Form = complex | Several
"""A number, finite or not, or several forms; None stands for what is not known."""


def form(reading: Any) -> Form | None:
    """Return what a reading by sympy comes to where each variable has a value of its own.

    The values lie in (0.5, 1.5) and depend on the variable's name alone.

    Returns:
        None for what is no number, tuple, finite set, interval or union with an interval, or what
        math-verify compares by other rules than values: a variable, a percentage, an equation.
    """
    from sympy import Expr, Interval, Tuple, Union
    from sympy.sets import FiniteSet

    if isinstance(reading, Expr):
        return _value(reading)
    if isinstance(reading, Tuple | FiniteSet):
        kind = "tuple" if isinstance(reading, Tuple) else "set"
        return Several(kind, tuple(map(form, reading.args)))
    if isinstance(reading, Interval):
        start, end = form(reading.start), form(reading.end)
        if isinstance(start, complex) and isinstance(end, complex) and start.real < end.real:
            kind = ("(" if reading.left_open else "[") + (")" if reading.right_open else "]")
            return Several(kind, (start, end))
    if isinstance(reading, Union):
        parts = tuple(map(form, reading.args))
        if any(isinstance(part, Several) and part.kind not in FINITE for part in parts):
            return Several("union", parts)
    return None


def _value(reading: Any) -> complex | None:
    """Return the value of a formula of numbers, variables and tame functions at that point."""
    from sympy import Rational, Symbol, preorder_traversal

    if isinstance(reading, Symbol):
        return None
    values = {}
    try:
        for node in preorder_traversal(reading):
            if isinstance(node, Symbol):
                values[node] = Rational(crc32(node.name.encode()), 2**32) + Rational(1, 2)
            elif not _tame(node):
                return None
        found = complex(reading.evalf(15, subs=values))
    except Exception:  # whatever sympy stumbles over is left to math-verify
        return None
    return None if cmath.isnan(found) else found


def _tame(node: Any) -> bool:
    """Say whether this step of a formula is evaluated in no time, whatever the numbers."""
    from sympy import Add, Mul, Number, NumberSymbol, Pow, Symbol, cos, cot, log, sin, tan
    from sympy.core.numbers import ImaginaryUnit

    if isinstance(node, Pow):
        power = node.exp
        small = isinstance(power, Number) and power.is_finite and abs(power) <= LARGEST_POWER
        return small or isinstance(power, Symbol)
    return isinstance(node, Add | Mul | Number | NumberSymbol | ImaginaryUnit | sin | cos | tan
                      | cot | log)  # fmt: skip


def differ(one: Form | None, other: Form | None) -> bool:
    """Say whether two forms are so plainly different that math-verify finds them so.

    Symmetric. False only means that it is not plain. Intervals of the same kind differ in an end,
    unions are not told apart. A finite set and one with an interval in it always differ, except
    that math-verify takes ``(1, 2)`` for a pair as well, which is left to it. A set equals a set or
    tuple of as many members, in an order of sympy's choice, so these differ where one member
    differs from all of the other's.
    """
    if one is None or other is None:
        return False
    if isinstance(one, complex) and isinstance(other, complex):
        return not cmath.isclose(one, other, rel_tol=RELATIVE, abs_tol=ABSOLUTE)
    first, second = _several(one), _several(other)
    finite = [each for each in (first, second) if each.kind in FINITE]
    if not finite:
        if "union" in (first.kind, second.kind):
            return False
        return first.kind != second.kind or any(map(differ, first.parts, second.parts))
    if len(finite) == 1:
        return len(finite[0].parts) != 2
    if first.kind == second.kind == "tuple":
        if len(first.parts) != len(second.parts):
            return True
        return any(map(differ, first.parts, second.parts))
    return _stands_out(first, second) or _stands_out(second, first)


def _several(one: Form) -> Several:
    """Return a number as the set that math-verify makes of it where the other is a set."""
    return one if isinstance(one, Several) else Several("set", (one,))


def _stands_out(some: Several, others: Several) -> bool:
    """Say whether a member of some differs from every member of the others."""
    return any(all(differ(one, other) for other in others.parts) for one in some.parts)
