"""The conditions of second answers, each made from that of the first answers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from workbench.config.schema import Generation
from workbench.core.conditions import FIRST_TEMPERATURE, TEMPERATURE, TURN, Condition

LONGEST = "max_tokens"


def second_name(first: str) -> str:
    """Return the name of the second answers to those of a condition.

    Example:
        >>> second_name("T0.7")
        'T0.7-turn2'
    """
    return f"{first}-turn2"


def with_second_turns(conditions: Sequence[Condition], generation: Generation) -> list[Condition]:
    """Return conditions, and behind them a condition of second answers for each.

    The first ones stay what they are, but that their turn is known: their samples have the names
    and seeds that they have without a second turn. A greedy one has one greedy second answer.

    Example:
        >>> settings = Generation(model="m", turns=2, corrections=3)
        >>> found = with_second_turns([Condition("T0.7", 0.7, 8)], settings)
        >>> [(one.name, one.n, one.own["turn"]) for one in found]
        [('T0.7', 8, 1), ('T0.7-turn2', 24, 2)]
    """
    firsts = [_first(one, generation) for one in conditions]
    return [*firsts, *(_second(one, generation) for one in firsts)]


def _first(one: Condition, generation: Generation) -> Condition:
    levels = {**one.own, TURN: 1}
    if generation.second_turn.max_tokens is not None:
        levels.setdefault(LONGEST, generation.max_tokens)
    return replace(one, levels=levels)


def _second(first: Condition, generation: Generation) -> Condition:
    own, temperature = generation.second_turn, first.temperature
    changed, levels = {**first.changed, TURN: 2}, {**first.levels, TURN: 2}
    if own.temperature is not None and not first.greedy:
        # also where they are equal: a sample is the same whatever other conditions there are
        changed[FIRST_TEMPERATURE] = levels[FIRST_TEMPERATURE] = first.temperature
        temperature = levels[TEMPERATURE] = own.temperature
    if own.max_tokens is not None:
        levels[LONGEST] = own.max_tokens
        changed.pop(LONGEST, None)
        if own.max_tokens != generation.max_tokens:
            changed[LONGEST] = own.max_tokens
    corrections = 1 if first.greedy else generation.corrections
    return Condition(
        second_name(first.name),
        temperature,
        first.n * corrections,
        changed,
        levels,
        first.name,
        corrections,
    )


def names_to_mix(chosen: Sequence[str], conditions: Sequence[Condition]) -> Sequence[str]:
    """Return the conditions that are mixed to one pool: those of first answers unless chosen.

    Empty where all are.

    Example:
        >>> first = Condition("T1", 1.0, 8)
        >>> names_to_mix([], [first, Condition("T1-turn2", 1.0, 8, first="T1")])
        ['T1']
        >>> names_to_mix([], [first])
        []
    """
    if chosen or not any(one.first for one in conditions):
        return chosen
    return [one.name for one in conditions if not one.first]
