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
    visible_tests: int | None = 0
    """How many assertions of a problem's tests, from the first, are not hidden; None for all. No
    argument is ever taken from a hidden one."""
    tolerance: float = TOLERANCE
    """How far two floats may differ and be the same output."""


OPTIONS = tuple(InputSettings.__dataclass_fields__)
"""The names that ``read_input_options`` reads among ``task.options``."""


def read_input_options(options: Mapping[str, Any], visible_tests: int | None = 0) -> InputSettings:
    """Return the settings that are among a task's options; its other options are passed over.

    Args:
        options: the experiment's ``task.options``. There ``visible_tests`` may be ``all``.
        visible_tests: what the task has where they do not say.

    Raises:
        ValueError: a value is not possible; one fault a line, each beginning with its key.

    Example:
        >>> read_input_options({"inputs": 5, "visible_tests": "all"}).visible_tests is None
        True
    """
    given: dict[str, Any] = {"visible_tests": "all" if visible_tests is None else visible_tests}
    given |= {name: options[name] for name in OPTIONS if name in options}
    faults = [*_count_faults(given), *_source_faults(given), *_tolerance_faults(given)]
    if faults:
        raise ValueError("\n".join(faults))
    if given["visible_tests"] == "all":
        given["visible_tests"] = None
    if "input_sources" in given:
        given["input_sources"] = tuple(given["input_sources"])
    return InputSettings(**given)


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _count_faults(given: Mapping[str, Any]) -> list[str]:
    faults = []
    if not _is_count(inputs := given.get("inputs", 0)):
        faults.append(f"options.inputs: must be a whole number of calls from 0 on, got {inputs!r}")
    if (visible := given["visible_tests"]) != "all" and not _is_count(visible):
        faults.append(
            "options.visible_tests: must be how many assertions, from the first, are not hidden, "
            f"or 'all', got {visible!r}"
        )
    return faults


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
    examples: Sequence[Call] = (),
    prompt: str = "",
    tests: str = "",
) -> list[Call]:
    """Return the calls that a problem's programs are compared on, no two alike.

    Those that are likeliest to be allowed come first: examples, calls in the prompt, calls in
    visible tests, and then what is made from all of them. They depend on the problem and the seed
    alone, and not on other problems.

    Args:
        problem_id: together with the seed, what the mutations are drawn by.
        entry_point: the function that is called; tests may also call it ``candidate``.
        settings: how many calls, from where.
        seed: of the experiment.
        examples: arguments of the problem's examples.
        prompt: what the model is shown.
        tests: all tests of the problem. Arguments of hidden ones are not taken.

    Raises:
        ValueError: visible tests are wanted, and the tests do not parse.

    Example:
        >>> shown = InputSettings(inputs=2, input_sources=("examples",))
        >>> problem_calls("p", "half", shown, 0, prompt="half(4) is 2, half(0.5) is 0.25, half(2)")
        [(4,), (0.5,)]
    """
    known: list[Call] = []
    if "examples" in settings.input_sources:
        known += [*examples, *calls_in_text(prompt, entry_point)]
    if "tests" in settings.input_sources and tests and settings.visible_tests != 0:
        known += calls_in_tests(tests, (entry_point, "candidate"), settings.visible_tests)
    known = without_repeats(known)[: settings.inputs]
    if "mutations" not in settings.input_sources:
        return known
    rng = np.random.default_rng([seed, zlib.crc32(problem_id.encode())])
    return [*known, *mutated_calls(known, settings.inputs - len(known), rng)]
