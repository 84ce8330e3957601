"""The conditions of a run as a design: which of them tell what one factor does."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence

from workbench.analysis.stats.design import Design, design_of
from workbench.core.conditions import Condition, level_key, spell_setting, varying_factors


def sampled(conditions: Sequence[Condition]) -> list[Condition]:
    """Return the conditions but for those of greedy decoding, which is a baseline."""
    return [one for one in conditions if not one.greedy]


def design_of_conditions(conditions: Sequence[Condition]) -> Design:
    """Return the design of conditions, with levels as they are spelt in names and columns.

    The reference level of a factor is the experiment's own setting where that is one of its
    levels, and otherwise the first in the order of the conditions, which for a number is the
    lowest.

    Raises:
        ValueError: there is no condition, or two are equal: see ``equal_conditions``.

    Example:
        top_p is 1 unless a condition changes it, so that 0.9 is compared with 1.

        >>> changed = {"top_p": 0.9}
        >>> nucleus = Condition("T1-top_p0.9", 1.0, 8, changed, {"temperature": 1.0, "top_p": 0.9})
        >>> plain = Condition("T1", 1.0, 8, {}, {"temperature": 1.0, "top_p": 1.0})
        >>> dict(design_of_conditions([nucleus, plain]).levels)
        {'top_p': ('1', '0.9')}
    """
    spelt = {factor: _labels(factor, conditions) for factor in varying_factors(conditions)}
    design = design_of(
        [
            {factor: labels[level_key(one.own.get(factor))] for factor, labels in spelt.items()}
            for one in conditions
        ]
    )
    own = {factor: spelt[factor].get(_own(factor, conditions)) for factor in design.factors}
    levels = {
        factor: (*(one for one in found if one == own[factor]),
                 *(one for one in found if one != own[factor]))
        for factor, found in design.levels.items()
    }  # fmt: skip
    places = [
        [order.index(level) for level in design.levels[factor]] for factor, order in levels.items()
    ]
    cells = [tuple(p[code] for p, code in zip(places, cell, strict=True)) for cell in design.cells]
    return Design(levels, tuple(cells))


def confounding_notes(conditions: Sequence[Condition]) -> tuple[str, ...]:
    """Say which factors of an experiment move together, a sentence for each group of them.

    Example:
        >>> cold = Condition("cold", 0.7, 8, {}, {"temperature": 0.7, "min_p": 0})
        >>> hot = Condition("hot", 1.5, 8, {"min_p": 0.1}, {"temperature": 1.5, "min_p": 0.1})
        >>> print(*confounding_notes([cold, hot]))
        temperature and min_p move together: no two conditions differ in one of them alone, so \
their effects cannot be told apart
    """
    drawn, equal = told_apart(sampled(conditions))
    confounded = design_of_conditions(drawn).confounding_notes() if len(drawn) > 1 else ()
    return (*equal, *confounded)


def told_apart(conditions: Sequence[Condition]) -> tuple[list[Condition], tuple[str, ...]]:
    """Return the conditions that factors tell apart, and a note for each group of the others."""
    groups = equal_conditions(conditions)
    names = {name for group in groups for name in group}
    notes = tuple(
        f"{', '.join(group)}: the same level of every factor that is known, so that they differ in "
        "what only their names say; no separate effect is printed"
        for group in groups
    )
    return [one for one in conditions if one.name not in names], notes


def equal_conditions(conditions: Sequence[Condition]) -> list[list[str]]:
    """Return the names of conditions with the same level of every factor, a list for each level.

    There are such where samples were imported whose names alone tell the conditions apart.

    Example:
        >>> cells = [Condition(name, 0.7, 8) for name in ("steps", "brief")]
        >>> equal_conditions([*cells, Condition("T1", 1.0, 8)])
        [['steps', 'brief']]
    """
    factors = varying_factors(conditions)
    alike: dict[tuple[str, ...], list[str]] = defaultdict(list)
    for one in conditions:
        alike[tuple(level_key(one.own.get(name)) for name in factors)].append(one.name)
    return [names for names in alike.values() if len(names) > 1]


def _labels(factor: str, conditions: Sequence[Condition]) -> dict[str, str]:
    """Return how each level of a factor is spelt, by its key; as code where two would be alike."""
    levels = {level_key(one.own.get(factor)): one.own.get(factor) for one in conditions}
    spelt = {key: spell_setting(factor, level) for key, level in levels.items()}
    times = Counter(spelt.values())
    return {key: repr(levels[key]) if times[text] > 1 else text for key, text in spelt.items()}


def _own(factor: str, conditions: Sequence[Condition]) -> str:
    """Return the key of a factor's level in the conditions that leave it as the experiment does."""
    own = [one for one in conditions if factor not in one.changed]
    levels = {level_key(one.own.get(factor)) for one in own}
    return levels.pop() if len(levels) == 1 else ""  # the temperature is never left as it is
