"""Which calls a problem's programs are compared on: how many, and where from."""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np

from workbench.behaviour.calls import Call, calls_in_tests, calls_in_text, without_repeats
from workbench.behaviour.clusters import TOLERANCE
from workbench.behaviour.mutation import mutated_calls
from workbench.core.lookup import unknown

Source = Literal["examples", "tests", "mutations"]
SOURCES: tuple[Source, ...] = get_args(Source)


@dataclass(frozen=True, kw_only=True)
class InputSettings:
    """Options of a task whose answers are programs: what the programs are called with."""

    inputs: int = 20
    """Calls of each problem, at most; 0 for none, so that no program has an answer."""
    input_sources: tuple[Source, ...] = SOURCES
    """``examples``: those of the problem, and calls in its prompt; ``tests``: calls in its visible
    tests; ``mutations``: further calls, made from those."""
    tolerance: float = TOLERANCE
    """How far two floats may differ and be the same output."""


OPTIONS = tuple(InputSettings.__dataclass_fields__)
"""The names that ``read_input_options`` reads among ``task.options``."""


def read_input_options(options: Mapping[str, Any]) -> InputSettings:
    """Return the settings that are among a task's options; its other options are passed over.

    Raises:
        ValueError: a value is not possible; one fault a line, each beginning with its key.

    Example:
        >>> read_input_options({"inputs": 5, "visible_tests": 1}).inputs
        5
    """
    if faults := input_option_faults(options):
        raise ValueError("\n".join(faults))
    given = {name: options[name] for name in OPTIONS if name in options}
    if "input_sources" in given:
        given["input_sources"] = tuple(given["input_sources"])
    return InputSettings(**given)


def input_option_faults(options: Mapping[str, Any]) -> list[str]:
    """Return what is wrong with those settings among a task's options, each with its key."""
    return [*_count_faults(options), *_source_faults(options), *_tolerance_faults(options)]


def _count_faults(given: Mapping[str, Any]) -> list[str]:
    inputs = given.get("inputs", 0)
    if isinstance(inputs, int) and not isinstance(inputs, bool) and inputs >= 0:
        return []
    return [f"options.inputs: must be a whole number of calls from 0 on, got {inputs!r}"]


def _source_faults(given: Mapping[str, Any]) -> list[str]:
    sources = given.get("input_sources", SOURCES)
    if not isinstance(sources, list | tuple) or not all(isinstance(one, str) for one in sources):
        return [f"options.input_sources: must be a list of {', '.join(SOURCES)}, got {sources!r}"]
    faults = [
        f"options.input_sources: {unknown(one, SOURCES, 'source')}"
        for one in sources
        if one not in SOURCES
    ]
    if [*sources] == ["mutations"]:
        faults.append("options.input_sources: mutations change known calls; add another source")
    return faults


def _tolerance_faults(given: Mapping[str, Any]) -> list[str]:
    value = given.get("tolerance", 0.0)
    if isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < 1:
        return []
    return [f"options.tolerance: must be at least 0 and below 1, got {value!r}"]


def problem_calls(
    problem_id: str,
    entry_point: str,
    settings: InputSettings,
    seed: int,
    *,
    prompts: Sequence[str] = (),
    examples: Sequence[str] = (),
    visible_tests: Sequence[str] = (),
) -> list[Call]:
    """Return the calls that a problem's programs are compared on, no two alike.

    Those that are likeliest to be allowed come first: examples, calls in the prompt, calls in
    visible tests, and then what is made from all of them. They depend on the problem and the seed
    alone, and not on other problems.

    Args:
        problem_id: together with the seed, what the mutations are drawn by.
        entry_point: the function that is called.
        settings: how many calls, from where.
        seed: of the experiment.
        prompts: what is asked, in one or more wordings.
        examples: assertions that are given with the problem to be shown.
        visible_tests: those assertions of its tests that are not hidden.

    Raises:
        ValueError: an assertion does not parse.

    Example:
        >>> shown = InputSettings(inputs=2, input_sources=("examples",))
        >>> problem_calls("p", "half", shown, 0, prompts=["half(4), half(0.5), half(2)"])
        [(4,), (0.5,)]
    """
    known: list[Call] = []
    if "examples" in settings.input_sources:
        known += [call for one in examples for call in calls_in_tests(one, [entry_point])]
        known += [call for text in prompts for call in calls_in_text(text, entry_point)]
    if "tests" in settings.input_sources:
        known += [call for one in visible_tests for call in calls_in_tests(one, [entry_point])]
    known = without_repeats(known)[: settings.inputs]
    if "mutations" not in settings.input_sources:
        return known
    rng = np.random.default_rng([seed, zlib.crc32(problem_id.encode())])
    return [*known, *mutated_calls(known, settings.inputs - len(known), rng)]
