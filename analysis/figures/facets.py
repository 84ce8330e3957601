"""What the conditions of a figure differ in, and which of it makes panels and which the colours."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations, product

from workbench.core.conditions import (
    TEMPERATURE,
    UNKNOWN,
    Condition,
    in_order,
    spell_setting,
    varying_factors,
)
from workbench.core.lookup import lookup

UNCHANGED = "unchanged"
"""The level of several factors of which none differs from the experiment's own setting."""


@dataclass(frozen=True, kw_only=True)
class Field:
    """Something that the lines of a figure differ in: a factor, or what is made of the samples."""

    name: str
    levels: tuple[str, ...]
    """As they are printed, in order."""
    numeric: bool = False
    """Whether the levels are numbers, which rise: their colours then have an order."""
    of: Mapping[str, str] | None = None
    """Condition -> its level; None where the rows of a figure tell the level themselves."""


@dataclass(frozen=True, kw_only=True)
class Facets:
    """A grid of panels: the fields that its columns, its rows and its colours stand for.

    Several fields may share the columns or the rows, which then stand for their combinations. What
    stands nowhere tells lines of one colour apart, by the shape of their markers.
    """

    fields: tuple[Field, ...]
    colour: str
    columns: tuple[str, ...] = ()
    rows: tuple[str, ...] = ()

    @property
    def left(self) -> tuple[str, ...]:
        """The fields that stand nowhere."""
        shown = {self.colour, *self.columns, *self.rows}
        return tuple(field.name for field in self.fields if field.name not in shown)

    def combinations(self, names: Sequence[str]) -> list[str]:
        """Return the levels of one field, or all combinations of several, in order.

        Example:
            >>> two = (Field(name="a", levels=("1", "2")), Field(name="b", levels=("x", "y")))
            >>> Facets(fields=two, colour="a").combinations(("a", "b"))
            ['1, x', '1, y', '2, x', '2, y']
        """
        known = {field.name: field.levels for field in self.fields}
        return [", ".join(levels) for levels in product(*(known[name] for name in names))]

    def chosen(self, colour: str | None, columns: str | None, rows: str | None) -> Facets:
        """Return the same with what somebody chose; where nothing is chosen, as it is.

        Of the three, what is not chosen beside another choice is left empty, but for the colour,
        which is then the first field that stands nowhere else.

        Raises:
            ValueError: no such field.
        """
        if colour is None and columns is None and rows is None:
            return self
        names = {field.name: field.name for field in self.fields}
        for name in (colour, columns, rows):
            if name is not None:
                lookup(names, name, "factor of this figure")
        free = [name for name in names if name not in (columns, rows)] or [*names]
        return replace(
            self,
            colour=free[0] if colour is None else colour,
            columns=() if columns is None else (columns,),
            rows=() if rows is None else (rows,),
        )


def facets_of(axes: Sequence[Field], lines: Field | None = None) -> Facets:
    """Return how a figure is laid out until somebody chooses: every field stands somewhere.

    Columns are the first axis, which is the temperature wherever it varies; the colours what the
    lines are, or else the second axis; and the rows the combinations of all others.

    Args:
        axes: what the conditions differ in, two of them at least.
        lines: what the lines of one condition are, such as the selections.
    """
    first, *rest = axes
    if lines is None:
        lines, *rest = rest
        fields = (*axes,)
    else:
        fields = (*axes, lines)
    others = tuple(axis.name for axis in rest)
    return Facets(fields=fields, colour=lines.name, columns=(first.name,), rows=others)


def axes_of(conditions: Sequence[Condition]) -> tuple[Field, ...]:
    """Return what conditions differ in: the temperature first, then what has the most levels.

    Each factor is an axis of its own if it is crossed with all others, that is if every pair of
    levels occurs. Factors that are not crossed with one another are one axis together, whose levels
    are the combinations that occur: of a grid of temperatures with either top_p or min_p set, the
    axes are the temperature and ``top_p, min_p``. Greedy conditions do not count.

    Example:
        >>> def condition(t, changed):
        ...     levels = {"temperature": t, "top_p": 1.0, "min_p": 0.0} | changed
        ...     return Condition(f"{t}{changed}", t, 8, changed, levels)
        >>> cells = ({}, {"top_p": 0.9}, {"min_p": 0.1})
        >>> found = axes_of([condition(t, cell) for t in (0.7, 1.5) for cell in cells])
        >>> [(axis.name, axis.levels) for axis in found]  # doctest: +NORMALIZE_WHITESPACE
        [('temperature', ('0.7', '1.5')),
         ('top_p, min_p', ('unchanged', 'top_p 0.9', 'min_p 0.1'))]
    """
    drawn = in_order([one for one in conditions if not one.greedy])
    if not drawn:
        return ()
    found = [_axis(group, drawn) for group in _not_crossed(varying_factors(drawn), drawn)]
    return tuple(
        sorted(
            found, key=lambda axis: (TEMPERATURE not in axis.name.split(", "), -len(axis.levels))
        )
    )


def rises(axis: Field) -> bool:
    """Say whether the levels of an axis are numbers, but perhaps for an unknown temperature.

    Example:
        >>> rises(Field(name="temperature", levels=("0.3", "1", "unknown")))
        True
        >>> rises(Field(name="prompt", levels=("1", "2")))
        False
    """
    known = [level for level in axis.levels if level != UNKNOWN]
    return len(known) > 1 and (axis.numeric or axis.name == TEMPERATURE)


def axis_along(axes: Sequence[Field]) -> Field | None:
    """Return what accuracies are drawn against: the first axis of numbers, or else the first.

    None where the conditions differ in nothing.

    Example:
        >>> prompt = Field(name="prompt", levels=("default", "brief"))
        >>> min_p = Field(name="min_p", levels=("0", "0.1"), numeric=True)
        >>> axis_along((prompt, min_p)).name, axis_along((prompt,)).name
        ('min_p', 'prompt')
    """
    varying = [axis for axis in axes if len(axis.levels) > 1]
    return next((axis for axis in varying if rises(axis)), varying[0] if varying else None)


def _not_crossed(factors: Sequence[str], drawn: Sequence[Condition]) -> list[list[str]]:
    """Group factors: those are together of which some pair of levels does not occur."""
    group_of = {factor: [factor] for factor in factors}
    for one, other in combinations(factors, 2):
        pairs = {(_level(cell, one), _level(cell, other)) for cell in drawn}
        first, second = zip(*pairs, strict=True)
        crossed = len(pairs) == len(set(first)) * len(set(second))
        if not crossed and group_of[one] is not group_of[other]:
            joined = group_of[one] + group_of[other]
            group_of |= dict.fromkeys(joined, joined)
    groups = {id(group): group for group in group_of.values()}
    return [sorted(group, key=factors.index) for group in groups.values()]


def _axis(factors: Sequence[str], drawn: Sequence[Condition]) -> Field:
    if len(factors) == 1:
        (factor,) = factors
        of = {one.name: _level(one, factor) for one in drawn}
        values = [one.own.get(factor) for one in drawn]
        numeric = all(isinstance(v, int | float) and not isinstance(v, bool) for v in values)
    else:
        of = {one.name: _combination(one, factors) for one in drawn}
        numeric = False
    levels = sorted(dict.fromkeys(of.values()), key=lambda level: level != UNCHANGED)
    return Field(name=", ".join(factors), levels=tuple(levels), numeric=numeric, of=of)


def _level(condition: Condition, factor: str) -> str:
    return spell_setting(factor, condition.own.get(factor))


def _combination(condition: Condition, factors: Sequence[str]) -> str:
    """Return the levels of several factors as one, without those that are the experiment's own."""
    told = [name for name in factors if name == TEMPERATURE or name in condition.changed]
    spelt = [f"{'T' if name == TEMPERATURE else name} {_level(condition, name)}" for name in told]
    return " ".join(spelt) or UNCHANGED
