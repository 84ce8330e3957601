"""The conditions that imported samples were drawn in: by their temperature, or by name.

A row without the column ``condition`` is in the condition of its temperature, as ever. A named one
may differ from others in sampling options, in the model or in the prompt, whose columns become
levels of the experiment, or in what no column says.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from workbench.config.factors import MODEL, PROMPT
from workbench.config.setting_types import DEFAULT_PROMPT
from workbench.core.conditions import RESERVED, looks_plain, slug, temperature_name
from workbench.interchange.sample_row import LIMITS, PROMPT_STYLE, SampleRow

FACTOR_OF = {name: name for name in (*LIMITS, MODEL)} | {PROMPT_STYLE: PROMPT}
"""Column of a row -> the factor that it is a level of."""
LEVELS = tuple(FACTOR_OF)
"""Columns that become levels of a named condition, where all of its samples have one value."""


def condition_of(row: SampleRow) -> str:
    """Return the name of the condition of a row, as file names may hold it.

    Raises:
        ValueError: the name has another meaning.

    Example:
        >>> plain = SampleRow(problem_id="p", text="t", temperature=0.7)
        >>> named = SampleRow(problem_id="p", text="t", temperature=0.7, condition="more steps")
        >>> condition_of(plain), condition_of(named)
        ('T0.7', 'more_steps')
    """
    plain = temperature_name(row.temperature)
    name = plain if row.condition is None else slug(row.condition)
    if name == plain:
        return plain
    if name in RESERVED:
        raise ValueError(f"condition: {name!r} has a meaning already; give it another name")
    if looks_plain(name):
        heat = "unknown" if row.temperature is None else f"{row.temperature:g}"
        raise ValueError(
            f"condition: {name!r} stands for temperature {name[1:]}, and the row's is {heat}; give "
            "it this temperature, or another name"
        )
    return name


@dataclass
class ImportedConditions:
    """The conditions of all rows, in order of appearance, and what tells them apart."""

    temperatures: dict[str, float | None] = field(default_factory=dict)
    """Name -> temperature."""
    spelt: dict[str, str | None] = field(default_factory=dict)
    """Name -> how the file spells it; None for the condition of a temperature."""
    values: dict[str | None, dict[str, set[Any]]] = field(default_factory=dict)
    """Name -> column of ``LEVELS`` -> its values; None for all conditions without a name."""

    def add(self, row: SampleRow) -> str:
        """Count a row; return the name of its condition.

        Raises:
            ValueError: it contradicts an earlier row, or its condition cannot be called so.
        """
        name = condition_of(row)
        is_named = name != temperature_name(row.temperature)
        if is_named and name in self.temperatures:
            if self.temperatures[name] != row.temperature:
                known = ["null" if t is None else f"{t:g}" for t in
                         (row.temperature, self.temperatures[name])]  # fmt: skip
                raise ValueError(
                    f"condition: {name!r} is at temperature {known[0]} here and {known[1]} before; "
                    "a condition has one"
                )
            if self.spelt[name] != row.condition:
                raise ValueError(
                    f"condition: {row.condition!r} and {self.spelt[name]!r} would both be called "
                    f"{name!r}; rename one of them"
                )
        self.temperatures.setdefault(name, row.temperature)
        self.spelt.setdefault(name, row.condition if is_named else None)
        seen = self.values.setdefault(name if is_named else None, {})
        for column in LEVELS:
            held = seen.setdefault(column, set())
            if len(held) < 2:  # of more it is enough to know that they differ
                held.add(getattr(row, column))
        return name

    @property
    def named(self) -> list[str]:
        """The conditions that are more than a temperature, in order of appearance."""
        return [name for name, spelt in self.spelt.items() if spelt is not None]

    @property
    def plain_temperatures(self) -> list[float | None]:
        """The temperatures of the others, rising; None for unknown comes last."""
        found = {self.temperatures[name] for name, spelt in self.spelt.items() if spelt is None}
        return sorted(found, key=lambda t: (t is None, t or 0.0))

    @property
    def rank(self) -> dict[str, int]:
        """The place of each condition: by temperature, then in order of appearance."""
        heats = self.temperatures
        names = sorted(heats, key=lambda name: (heats[name] is None, heats[name] or 0.0))
        return {name: place for place, name in enumerate(names)}

    def has_one_each(self, column: str) -> bool:
        """Say whether several models, or prompts, are levels of conditions, each of one of them."""
        is_level = bool(self.named) and column in (MODEL, PROMPT_STYLE)
        return is_level and all(len(seen[column]) == 1 for seen in self.values.values())

    def own(self, column: str) -> Any:
        """Return the setting of the whole run: the one value of the rows without a name.

        Where all rows have names it is the one value of all of them. None if there is no such.
        """
        groups = [self.values[None]] if None in self.values else [*self.values.values()]
        found = set().union(*(seen[column] for seen in groups))
        return next(iter(found)) if len(found) == 1 else None

    def cells(self) -> Iterator[dict[str, Any]]:
        """Yield ``generation.conditions``: the named ones, with the levels by which they differ.

        The rows without a name have the experiment's own prompt, which is called ``default``. Where
        they call it otherwise, another prompt of that name would be mistaken for it.
        """
        varied = [c for c in LEVELS if len(set().union(*(s[c] for s in self.values.values()))) > 1]
        others = [self.values[name][PROMPT_STYLE] for name in self.named]
        own = self.values.get(None, {}).get(PROMPT_STYLE, {DEFAULT_PROMPT})
        if PROMPT_STYLE in varied and own != {DEFAULT_PROMPT} and {DEFAULT_PROMPT} in others:
            varied.remove(PROMPT_STYLE)
        for name in self.named:
            levels = {FACTOR_OF[c]: next(iter(self.values[name][c])) for c in varied
                      if len(self.values[name][c]) == 1}  # fmt: skip
            known = {factor: level for factor, level in levels.items() if level is not None}
            yield {"name": name, "temperature": self.temperatures[name], **known}
