"""Which conditions of an experiment may be compared to tell what one factor does.

A *condition* is a cell of settings, a *factor* one of the settings (the temperature, the prompt)
and a *level* one of its values. The effect of a factor is seen between conditions that differ in
this factor alone. What follows is counting: no outcome is looked at.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np

from workbench.core.types import Ints


@dataclass(frozen=True)
class Design:
    """The levels that each condition has of the factors that vary; made by ``design_of``."""

    levels: Mapping[str, tuple[Hashable, ...]]
    """The levels of each factor, in order; the first is the reference. Two or more of each."""
    cells: tuple[tuple[int, ...], ...]
    """For each condition, the places of its levels among the ``levels``, factor by factor."""

    @property
    def factors(self) -> tuple[str, ...]:
        """The factors that vary, in order."""
        return tuple(self.levels)

    @property
    def separable(self) -> tuple[str, ...]:
        """The factors in which alone some two conditions differ: those that have an effect to tell.

        Not all levels of such a factor need to be matched with its reference.
        """
        return tuple(factor for factor in self.factors if self._differs_alone(factor))

    def reference(self, factor: str) -> Hashable:
        """Return the level with which the others of a factor are compared: its first."""
        return self.levels[factor][0]

    def matched_pairs(self, factor: str, level: Hashable, reference: Hashable) -> Ints:
        """Pair the conditions that differ in one factor alone.

        Returns:
            (M, 2) places of conditions: at the level, and at the reference, with all other factors
            the same. One pair for each combination of the other factors at which both exist, so
            that on a full grid there is one for every combination; (0, 2) where there is none.

        Raises:
            ValueError: no such factor, or no such level of it.

        Example:
            min_p is varied at both temperatures, and the temperature at both values of min_p.

            >>> grid = [{"T": t, "min_p": p} for t in (0.7, 1.5) for p in (0.0, 0.1)]
            >>> design_of(grid).matched_pairs("T", 1.5, 0.7).tolist()
            [[2, 0], [3, 1]]
        """
        column = self._column(factor)
        one, other = (self._code(factor, value) for value in (level, reference))
        found = {cell: place for place, cell in enumerate(self.cells)}
        pairs = [
            (place, found[partner])
            for cell, place in found.items()
            if cell[column] == one and (partner := _replaced(cell, {column: other})) in found
        ]
        return np.array(pairs, dtype=np.int64).reshape(-1, 2)

    def grids(self, a: str, b: str) -> Ints:
        """Find where two factors are crossed completely, so that their interaction can be told.

        Returns:
            (G, A, B) places of conditions: for each combination of the other factors at which all
            pairs of a level of ``a`` and one of ``b`` exist, in the order of the levels.

        Raises:
            ValueError: no such factor, or the two are the same.

        Example:
            >>> grid = [{"T": t, "min_p": p} for t in (0.7, 1.5) for p in (0.0, 0.1)]
            >>> design_of(grid).grids("min_p", "T").tolist()
            [[[0, 2], [1, 3]]]
            >>> design_of(grid[:3]).grids("min_p", "T").shape
            (0, 2, 2)
        """
        rows, columns = self._column(a), self._column(b)
        if a == b:
            raise ValueError(f"an interaction is between two factors, got {a!r} twice")
        found = {cell: place for place, cell in enumerate(self.cells)}
        shape = len(self.levels[a]), len(self.levels[b])
        corners = [cell for cell in self.cells if cell[rows] == cell[columns] == 0]
        grids = []
        for corner in corners:
            codes = product(range(shape[0]), range(shape[1]))
            cells = [_replaced(corner, {rows: i, columns: j}) for i, j in codes]
            if all(cell in found for cell in cells):
                grids.append([found[cell] for cell in cells])
        return np.array(grids, dtype=np.int64).reshape(-1, *shape)

    def confounded(self) -> tuple[tuple[str, ...], ...]:
        """Group the factors whose effects cannot be told apart.

        A factor is confounded when no two conditions differ in it alone. It is grouped with those
        that change where it changes: of all pairs of conditions that differ in it, those that
        differ in the fewest other factors say which. Among them may be factors that are
        ``separable`` themselves, which stand last in their group.

        Example:
            >>> hot, cold = {"temperature": 1.5, "min_p": 0.1}, {"temperature": 0.7, "min_p": 0.0}
            >>> design_of([hot, cold]).confounded()
            (('temperature', 'min_p'),)
        """
        return tuple((*group, *others) for group, others in self._confounded())

    def confounding_notes(self) -> tuple[str, ...]:
        """Say in a sentence for each group of ``confounded`` what cannot be told apart.

        Example:
            >>> hot, cold = {"T": 1.5, "min_p": 0.1}, {"T": 0.7, "min_p": 0.0}
            >>> print(*design_of([hot, cold]).confounding_notes())
            T and min_p move together: no two conditions differ in one of them alone, so their \
effects cannot be told apart
        """
        return tuple(_sentence(group, others) for group, others in self._confounded())

    def _confounded(self) -> Iterator[tuple[list[str], list[str]]]:
        """Yield the factors of each group that are not separable, and those that are."""
        separable = [factor in self.separable for factor in self.factors]
        left = [column for column, apart in enumerate(separable) if not apart]
        partners = self._partners(left)
        while left:
            group, grown = {left[0]}, True
            while grown:
                near = {
                    c for c in left if partners[c] & group or any(c in partners[g] for g in group)
                }
                grown = not near <= group
                group |= near
            left = [column for column in left if column not in group]
            others = {c for column in group for c in partners[column] if separable[c]}
            yield (
                [self.factors[c] for c in sorted(group)],
                [self.factors[c] for c in sorted(others)],
            )

    def _partners(self, columns: Sequence[int]) -> dict[int, set[int]]:
        """For each of some factors, those that change in the pairs that change least beside it."""
        codes = np.array(self.cells)
        fewest = dict.fromkeys(columns, len(self.factors) + 1)
        found: dict[int, set[int]] = {column: set() for column in columns}
        for place in range(len(codes)) if columns else ():
            differs = np.unique(codes[place + 1 :] != codes[place], axis=0)  # (patterns, F)
            for pattern in differs:
                changed = {*np.flatnonzero(pattern).tolist()}
                for column in changed & found.keys():
                    if len(changed) < fewest[column]:
                        fewest[column], found[column] = len(changed), set()
                    if len(changed) == fewest[column]:
                        found[column] |= changed - {column}
        return found

    def _differs_alone(self, factor: str) -> bool:
        column = self._column(factor)
        return len({_replaced(cell, {column: 0}) for cell in self.cells}) < len(self.cells)

    def _column(self, factor: str) -> int:
        if factor not in self.levels:
            known = ", ".join(self.factors) or "none"
            raise ValueError(f"no factor {factor!r} varies between the conditions; it is {known}")
        return self.factors.index(factor)

    def _code(self, factor: str, level: Hashable) -> int:
        levels = self.levels[factor]
        if level not in levels:
            known = ", ".join(map(repr, levels))
            raise ValueError(f"{factor} has no level {level!r}; its levels are {known}")
        return levels.index(level)


def design_of(conditions: Sequence[Mapping[str, Hashable]]) -> Design:
    """Return the design of conditions, each given as a level of every factor.

    Factors are in the order of the first condition. Levels are in the order in which the
    conditions first have them, and the first is the reference: list the conditions accordingly.
    A factor of which all conditions have the same level is left out. A setting that a condition
    leaves to the backend has a level too, such as None.

    Raises:
        ValueError: there is no condition, conditions have different factors, two have the same
            levels of all of them, or a level is NaN, which equals nothing.

    Example:
        >>> design = design_of([{"T": t, "seed": 0} for t in (1.0, 0.5, 1.5)])
        >>> dict(design.levels), design.cells
        ({'T': (1.0, 0.5, 1.5)}, ((0,), (1,), (2,)))
    """
    if not conditions:
        raise ValueError("a design needs at least one condition, got none")
    factors = tuple(conditions[0])
    for place, condition in enumerate(conditions):
        odd = sorted({*condition} ^ {*factors})
        if odd:
            raise ValueError(
                f"condition {place} and condition 0 do not have the same factors; give a level of "
                f"{', '.join(odd)} to both"
            )
    found = {
        factor: dict.fromkeys(condition[factor] for condition in conditions) for factor in factors
    }
    for factor, levels in found.items():
        if any(level != level for level in levels):
            raise ValueError(f"a level of {factor} is NaN, which equals nothing; give None for it")
    varying = {factor: tuple(levels) for factor, levels in found.items() if len(levels) > 1}
    places = {factor: {level: i for i, level in enumerate(found[factor])} for factor in varying}
    cells = [tuple(places[factor][c[factor]] for factor in varying) for c in conditions]
    first: dict[tuple[int, ...], int] = {}
    for place, cell in enumerate(cells):
        if first.setdefault(cell, place) != place:
            raise ValueError(
                f"conditions {first[cell]} and {place} have the same level of every factor; leave "
                "one of them out, or name the factor in which they differ"
            )
    return Design(varying, tuple(cells))


def _replaced(cell: tuple[int, ...], codes: Mapping[int, int]) -> tuple[int, ...]:
    """Return a cell with the codes of some columns changed."""
    return tuple(codes.get(column, code) for column, code in enumerate(cell))


def _sentence(group: Sequence[str], others: Sequence[str]) -> str:
    names, beside = _listed(group), _listed(others)
    which = "one of them" if len(group) > 1 else names
    if not others:
        end = "so their effects cannot be told apart"
        return f"{names} move together: no two conditions differ in {which} alone, {end}"
    verb, effect = ("move", "their effects") if len(group) > 1 else ("moves", "its effect")
    other = "effect" if len(others) == 1 else "effects"
    end = f"so {effect} cannot be told from the {other} of {beside}"
    return (
        f"{names} {verb} together with {beside}: no two conditions differ in {which} alone, {end}"
    )


def _listed(names: Sequence[str]) -> str:
    """Join names as a sentence does: a, b and c."""
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)
