"""Task ``arithmetic``: sums and differences of whole numbers, of any difficulty.

The problems are reasoning-gym's ``chain_sum`` (package ``reasoning-gym``), asked as "What is
4 + 9?". They need no file and no network, and even a very small model gets some of them right.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from difflib import get_close_matches
from functools import lru_cache
from itertools import count, islice
from typing import Any

from workbench.config import schema as config
from workbench.core.import_alone import import_alone
from workbench.core.types import Problem
from workbench.tasks.task import Example
from workbench.tasks.worked_examples import raise_faults

INSTRUCTION = r"Work out the sum, and put your answer in \boxed{}."
DEFAULTS: dict[str, int | None] = {
    "min_terms": 2, "max_terms": 2, "min_digits": 1, "max_digits": 1,
    "max_operand": None, "seed": 0,
}  # fmt: skip
"""``max_operand``: keep only problems whose numbers are not larger; None for no limit."""
NUM_EXAMPLES = 16
MISSES_ALLOWED = 20_000
"""Drawing stops after this many expressions in a row that are too large or were drawn before."""
STREAM = 10_000_000
"""Distance between the seeds of two streams, since item i of chain_sum with seed s is item 0 with
seed s + i."""

Options = tuple[tuple[str, int | None], ...]
"""All options by name, sorted: hashable."""


def check(settings: config.TaskSettings) -> None:
    """Raise ValueError if the options name no problems that can be drawn."""
    faults = []
    for name, value in settings.options.items():
        if name not in DEFAULTS:
            near = get_close_matches(name, DEFAULTS, n=1)
            hint = f"; did you mean {near[0]!r}?" if near else ""
            faults.append(f"options.{name}: unknown option{hint} (known: {', '.join(DEFAULTS)})")
        elif isinstance(value, bool) or not isinstance(value, int):
            if not (name == "max_operand" and value is None):
                faults.append(f"options.{name}: expected an integer, got {value!r}")
        elif value < (smallest := 0 if name == "seed" else 1):
            faults.append(f"options.{name}: must be at least {smallest}, got {value}")
    faults = faults or _contradictions(DEFAULTS | settings.options)
    if settings.num_problems is None:
        faults.append("num_problems: arithmetic makes its problems; say how many")
    if settings.source is not None:
        faults.append("source: arithmetic makes its problems and reads none; leave it out")
    raise_faults(faults, settings, NUM_EXAMPLES)


def _contradictions(options: dict[str, Any]) -> list[str]:
    faults = []
    for what in ("terms", "digits"):
        low, high = options[f"min_{what}"], options[f"max_{what}"]
        if low > high:
            faults.append(f"options.min_{what}: {low} is more than max_{what} = {high}")
    digits, largest = options["min_digits"], options["max_operand"]
    if largest is not None and digits > 1 and largest < 10 ** (digits - 1):
        faults.append(
            f"options.max_operand: {largest} is less than every number of "
            f"min_digits = {digits} digits"
        )
    return faults


def load(settings: config.TaskSettings) -> list[Problem]:
    """Return the first ``num_problems`` problems; a larger number only adds to them.

    No question comes twice, and none is a worked example.
    """
    check(settings)
    wanted = settings.num_problems or 0
    options = _options(settings)
    shown = set(_example_expressions(options))
    sums = (pair for pair in _different_sums(options, stream=0) if pair[0] not in shown)
    problems = [
        Problem(f"problem-{number}", f"What is {expression}?", value, {"expression": expression})
        for number, (expression, value) in enumerate(islice(sums, wanted))
    ]
    if len(problems) < wanted:
        raise ValueError(
            f"task arithmetic: these options give only {len(problems)} different problems beside "
            f"the worked examples, num_problems asks for {wanted}; "
            "lower it, or raise max_operand, max_digits or max_terms"
        )
    return problems


def examples(settings: config.TaskSettings) -> list[Example]:
    """Return 16 worked examples of the same difficulty; they depend on the options alone."""
    shown = _example_expressions(_options(settings))
    return [Example(f"What is {expression}?", _solution(expression)) for expression in shown]


def _solution(expression: str) -> str:
    """Return the steps of a sum in words, as the small model is shown them."""
    first, *rest = expression.split(" ")
    value = int(first)
    steps: list[str] = []
    for sign, number in zip(rest[::2], rest[1::2], strict=True):
        before, value = value, value + int(sign + number)
        if steps:
            step = f"then {'add' if sign == '+' else 'subtract'} {number}"
        elif sign == "+":
            step = f"add {before} and {number}"
        else:
            step = f"subtract {number} from {before}"
        steps.append(f"{step} to get {value}")
    words = f"We {', '.join(steps)}." if steps else f"It is {value}."
    return rf"{words} The answer is \boxed{{{value}}}."


def _options(settings: config.TaskSettings) -> Options:
    return tuple(sorted((DEFAULTS | settings.options).items()))


@lru_cache(maxsize=8)
def _example_expressions(options: Options) -> tuple[str, ...]:
    sums = _different_sums(options, stream=1)
    return tuple(expression for expression, _ in islice(sums, NUM_EXAMPLES))


def _different_sums(options: Options, stream: int) -> Iterator[tuple[str, str]]:
    """Yield (expression, value) from reasoning-gym, none twice, until it has no new ones."""
    chain_sum = import_alone("reasoning_gym.arithmetic.chain_sum")  # the whole takes 2 s
    chosen = dict(options)
    largest = chosen.pop("max_operand")
    chosen["seed"] = ((chosen["seed"] or 0) * 2 + stream) * STREAM
    items = chain_sum.ChainSumDataset(chain_sum.ChainSumConfig(**chosen))
    drawn: set[str] = set()
    misses = 0
    for item in map(items.__getitem__, count()):
        expression = item["metadata"]["expression"]
        numbers = map(int, re.findall(r"\d+", expression))
        if expression not in drawn and (largest is None or max(numbers) <= largest):
            misses = 0
            drawn.add(expression)
            yield expression, item["answer"]
        elif (misses := misses + 1) > MISSES_ALLOWED:
            return
