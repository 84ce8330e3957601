"""What a folder holds beside what an experiment asks for, so that no study shrinks unseen."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

import pyarrow as pa
import pyarrow.compute as pc

from workbench.core.conditions import spell_level, temperature_name
from workbench.storage.parquet import CONDITION


@dataclass
class HeldSamples:
    """The sizes of a folder, put together a block at a time."""

    problems: set[str] = field(default_factory=set)
    pool_sizes: dict[str, int] = field(default_factory=dict)
    """Condition -> samples of its largest pool."""
    temperatures: dict[str, float | None] = field(default_factory=dict)
    """Condition -> its temperature."""
    tokens: Counter[tuple[str, int]] = field(default_factory=Counter)
    """Condition and index -> tokens of all samples with them."""

    def add(self, samples: pa.Table) -> None:
        """Count the samples of a block."""
        self.problems.update(pc.unique(samples["problem_id"]).to_pylist())
        counted = samples.group_by([CONDITION, "temperature"])
        for row in counted.aggregate([("sample_index", "max")]).to_pylist():
            name, last = row[CONDITION], row["sample_index_max"]
            self.pool_sizes[name] = max(self.pool_sizes.get(name, 0), last + 1)
            self.temperatures[name] = row["temperature"]
        indexed = samples.group_by([CONDITION, "sample_index"])
        for row in indexed.aggregate([("num_output_tokens", "sum")]).to_pylist():
            self.tokens[row[CONDITION], row["sample_index"]] += row["num_output_tokens_sum"] or 0

    def tokens_of(self, pool_sizes: Mapping[str, int]) -> int:
        """Return how many tokens those samples have that are asked for.

        Example:
            >>> held = HeldSamples(tokens=Counter({("T1", 0): 7, ("T1", 1): 5, ("T2", 0): 9}))
            >>> held.tokens_of({"T1": 1})
            7
        """
        return sum(
            count for (name, index), count in self.tokens.items() if index < pool_sizes.get(name, 0)
        )

    def beyond(self, problems: Collection[str], pool_sizes: Mapping[str, int]) -> list[str]:
        """Return what the folder has more than is asked for, as a signature spells it.

        Example:
            >>> held = HeldSamples({"a", "b"}, {"T0.3": 16, "T1": 16}, {"T0.3": 0.3, "T1": 1.0})
            >>> held.beyond(["a", "b"], {"T0.3": 8, "T1": 8}), held.beyond(["a"], {"T0.3": 16})
            (['N:16'], ['T:0.3,1', 'problems:2'])
            >>> held.beyond(["a", "b", "c"], {"T0.3": 16, "T1": 32})
            []
        """
        found = []
        if self.pool_sizes.keys() - pool_sizes.keys():
            found.append(spell_conditions(self.temperatures))
        most = max((n for t, n in self.pool_sizes.items() if t in pool_sizes), default=0)
        if any(n > pool_sizes.get(t, n) for t, n in self.pool_sizes.items()):
            found.append(f"N:{most}")
        if self.problems - {*problems}:
            found.append(f"problems:{len(self.problems | {*problems}):,}")
        return found


def spell_conditions(temperatures: Mapping[str, float | None]) -> str:
    """Spell conditions by their temperatures, where these alone make them; else by their names.

    Example:
        >>> spell_conditions({"T1": 1.0, "T0": 0.0}), spell_conditions({"T1": 1.0, "hot": 1.5})
        ('T:0,1', 'conditions:T1,hot')
    """
    if all(name == temperature_name(heat) for name, heat in temperatures.items()):
        known = sorted(heat for heat in temperatures.values() if heat is not None)
        return f"T:{','.join(map(spell_level, known))}"
    return f"conditions:{','.join(temperatures)}"


def describe(held: Sequence[str], asked: Sequence[str], overrides: Sequence[str]) -> str:
    """Return a line on what a folder holds, what is looked at, and how the rest came about.

    Example:
        >>> describe(["N:16"], ["T:0.3,1", "N:8"], ["generation.n=16"])
        'the folder holds N:16; this looks at T:0.3,1, N:8 (it was made with --set generation.n=16)'
    """
    made = f" (it was made with {' '.join(f'--set {one}' for one in overrides)})" * bool(overrides)
    return f"the folder holds {', '.join(held)}; this looks at {', '.join(asked)}{made}"
