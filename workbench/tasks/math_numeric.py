"""Tells formulas apart by their values at one point, without sympy's ``simplify``.

Why it exists: with ``math_worker.py`` it compares answers more than ten times as fast (0.4 instead
of 6.7 s for 10,000 answers; a row of ``make bench``). math-verify ends most comparisons of wrong
answers in ``simplify``, which takes milliseconds to find no reason to call two formulas equal. But
simplifying does not change a formula's value at any values of its variables. So two formulas that
differ at one point differ, and so do points, sets and intervals with different members.
"""

from __future__ import annotations

import cmath
from dataclasses import dataclass
from typing import Any
from zlib import crc32

LARGEST_POWER = 100_000
"""A larger exponent is left to math-verify, whose time is limited."""
LARGEST_FLOAT = 1e300
FINITE_KINDS = ("tuple", "set")
RELATIVE_TOLERANCE = 2e-6
"""Numbers that are closer are left to math-verify, which rounds to six decimals: a difference is
relative to their size, so that neither a tiny number is nothing nor a huge one any other."""
NOISE = 1e-90
"""A sum that is smaller may be zero: sympy computes with a hundred digits at most."""


@dataclass(frozen=True, slots=True)
class CompoundValue:
    """Values that belong together.

    Those in a ``tuple``, ``set``, ``union`` or matrix; the ends of an interval: ``[)``; or both
    readings of a ``percent`` value.
    """

    kind: str
    parts: tuple[Value | None, ...]


@dataclass(frozen=True, slots=True)
class ExtremeNumber:
    """A number that is too large or too small for a float, such as 1/2004!."""

    log: float
    """The natural logarithm of its absolute value."""
    direction: complex
    """The number divided by its absolute value."""


@dataclass(frozen=True, slots=True)
class NamedValue:
    """An equation such as ``y = 2x + 1``."""

    name: str
    others: frozenset[str]
    """The variables on its right side."""
    value: Value | None
    """What the right side comes to."""


Value = complex | ExtremeNumber | CompoundValue | NamedValue
"""A number, finite or not, or a collection of values; None stands for an unknown one."""


def value_of(reading: Any) -> Value | None:
    """Return the value of a sympy object where each variable has a fixed value.

    That value lies in (0.5, 1.5) and depends on the variable's name alone. None for what is no
    number, tuple, finite set, interval or union with an interval, and for what math-verify does not
    compare by value: a variable, a percentage, an equation.
    """
    from sympy import Eq, Expr, Interval, MatrixBase, Symbol, Tuple, Union
    from sympy.sets import FiniteSet

    if isinstance(reading, Expr):
        return _number(reading)
    if isinstance(reading, Tuple | FiniteSet):
        kind = "tuple" if isinstance(reading, Tuple) else "set"
        return CompoundValue(kind, tuple(map(value_of, reading.args)))
    if isinstance(reading, Interval):
        start, end = value_of(reading.start), value_of(reading.end)
        if isinstance(start, complex) and isinstance(end, complex) and start.real < end.real:
            kind = ("(" if reading.left_open else "[") + (")" if reading.right_open else "]")
            return CompoundValue(kind, (start, end))
    if isinstance(reading, Eq) and isinstance(reading.lhs, Symbol):
        if reading.lhs in reading.rhs.free_symbols:
            return None
        others = frozenset(map(str, reading.rhs.free_symbols))
        return NamedValue(str(reading.lhs), others, value_of(reading.rhs))
    if isinstance(reading, MatrixBase):
        return CompoundValue(f"matrix {reading.shape}", tuple(map(value_of, reading.flat())))
    if isinstance(reading, Union):
        parts = tuple(map(value_of, reading.args))
        if any(isinstance(part, CompoundValue) and part.kind not in FINITE_KINDS for part in parts):
            return CompoundValue("union", parts)
    return None


def _number(reading: Any) -> complex | ExtremeNumber | None:
    """Return the value of a formula, if every node of it is quick to evaluate."""
    from sympy import Add, Rational, Symbol, log, preorder_traversal

    if isinstance(reading, Symbol):
        return None
    values = {}
    try:
        if is_slow(reading):  # their variables are bound, and have no value
            return None if reading.free_symbols else complex(reading.evalf(15))
        for node in preorder_traversal(reading):
            if isinstance(node, Symbol):
                values[node] = Rational(crc32(node.name.encode()), 2**32) + Rational(1, 2)
            elif not _quick_to_evaluate(node):
                return None
        number = reading.evalf(15, subs=values)
        found = complex(number)
        if NOISE < abs(found) < LARGEST_FLOAT or not number or reading.is_infinite:
            return None if cmath.isnan(found) else found
        if reading.has(Add):  # what is left of a difference may be noise
            return None
        return ExtremeNumber(float(log(abs(number))), complex(number / abs(number)))
    except Exception:  # sympy raises many kinds of error; math-verify decides then
        return None


def is_slow(reading: Any) -> bool:
    """Say whether the value of a sympy object can take seconds: sums, products and integrals."""
    from sympy import Integral, Product, Sum

    return bool(getattr(reading, "has", None)) and bool(reading.has(Sum, Product, Integral))


def _quick_to_evaluate(node: Any) -> bool:
    """Say whether one node of a formula is evaluated quickly, whatever the numbers."""
    from sympy import (
        Add,
        Mul,
        Number,
        NumberSymbol,
        Pow,
        Symbol,
        cos,
        cot,
        factorial,
        log,
        sin,
        tan,
    )
    from sympy.core.numbers import ImaginaryUnit

    if isinstance(node, Pow):
        power = node.exp
        small = isinstance(power, Number) and power.is_finite and abs(power) <= LARGEST_POWER
        return small or isinstance(power, Symbol)
    if isinstance(node, factorial):
        size = node.args[0]
        return isinstance(size, Number) and size.is_finite and abs(size) <= LARGEST_POWER
    functions = sin | cos | tan | cot | log
    return isinstance(node, Add | Mul | Number | NumberSymbol | ImaginaryUnit | functions)


def differ(one: Value | None, other: Value | None) -> bool:
    """Say whether two values are so different that math-verify is sure to call them unequal.

    Symmetric. False only means that math-verify has to decide. Intervals of the same kind differ if
    an end differs; unions are never told apart. A finite set always differs from one that contains
    an interval, except that math-verify reads ``(1, 2)`` as a pair too, which is left to it. A set
    may equal a set or tuple of the same size, in an order of sympy's choice, so these differ where
    a member of one differs from all members of the other.

    Example:
        >>> differ(complex(1 / 3), complex(0.333333)), differ(complex(1 / 3), complex(0.3333))
        (False, True)
    """
    if one is None or other is None:
        return False
    if isinstance(one, NamedValue) and isinstance(other, NamedValue):
        if one.name == other.name:
            return differ(one.value, other.value)
        return one.name not in other.others or other.name not in one.others
    if isinstance(one, NamedValue):  # compared by its right side
        return differ(one.value, other)
    if isinstance(other, NamedValue):
        return differ(one, other.value)
    if isinstance(one, complex) and isinstance(other, complex):
        return not cmath.isclose(one, other, rel_tol=RELATIVE_TOLERANCE, abs_tol=NOISE)
    if isinstance(one, ExtremeNumber) and isinstance(other, ExtremeNumber):
        same = cmath.isclose(one.direction, other.direction, rel_tol=RELATIVE_TOLERANCE)
        return not same or abs(one.log - other.log) > RELATIVE_TOLERANCE
    if not isinstance(one, CompoundValue) and not isinstance(other, CompoundValue):
        return True
    if isinstance(one, CompoundValue) and one.kind == "percent":
        return all(differ(part, other) for part in one.parts)
    if isinstance(other, CompoundValue) and other.kind == "percent":
        return differ(other, one)
    first, second = (  # math-verify compares a number with a set as a set of one
        each if isinstance(each, CompoundValue) else CompoundValue("set", (each,))
        for each in (one, other)
    )
    finite = [each for each in (first, second) if each.kind in FINITE_KINDS]
    if not finite:
        if "union" in (first.kind, second.kind):
            return False
        return first.kind != second.kind or any(map(differ, first.parts, second.parts))
    if len(finite) == 1:
        return len(finite[0].parts) != 2
    if first.kind == second.kind == "tuple":
        return len(first.parts) != len(second.parts) or any(map(differ, first.parts, second.parts))
    return _has_unmatched_member(first, second) or _has_unmatched_member(second, first)


def _has_unmatched_member(some: CompoundValue, others: CompoundValue) -> bool:
    """Say whether a member of some differs from every member of the others."""
    return any(all(differ(one, other) for other in others.parts) for one in some.parts)
