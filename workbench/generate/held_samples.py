"""What a folder holds beside what an experiment asks for, so that no study shrinks unseen."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

import pyarrow as pa
import pyarrow.compute as pc

from workbench.core.table_text import spell_temperature


@dataclass
class HeldSamples:
    """The sizes of a folder, put together a block at a time."""

    problems: set[str] = field(default_factory=set)
    pool_sizes: dict[float, int] = field(default_factory=dict)
    """Temperature -> samples of its largest pool."""

    def add(self, samples: pa.Table) -> None:
        """Count the samples of a block."""
        self.problems.update(pc.unique(samples["problem_id"]).to_pylist())
        counted = samples.group_by("temperature").aggregate([("sample_index", "max")])
        for row in counted.to_pylist():
            temperature, last = row["temperature"], row["sample_index_max"]
            self.pool_sizes[temperature] = max(self.pool_sizes.get(temperature, 0), last + 1)

    def beyond(
        self, problems: Collection[str], pool_sizes: Mapping[float | None, int]
    ) -> list[str]:
        """Return what the folder has more than is asked for, as a signature spells it.

        Example:
            >>> held = HeldSamples({"a", "b"}, {0.3: 16, 1.0: 16})
            >>> held.beyond(["a", "b"], {0.3: 8, 1.0: 8}), held.beyond(["a"], {0.3: 16})
            (['N:16'], ['T:0.3,1', 'problems:2'])
            >>> held.beyond(["a", "b", "c"], {0.3: 16, 1.0: 32})
            []
        """
        found = []
        if self.pool_sizes.keys() - pool_sizes.keys():
            found.append(f"T:{','.join(map(spell_temperature, sorted(self.pool_sizes)))}")
        most = max((n for t, n in self.pool_sizes.items() if t in pool_sizes), default=0)
        if any(n > pool_sizes.get(t, n) for t, n in self.pool_sizes.items()):
            found.append(f"N:{most}")
        if self.problems - {*problems}:
            found.append(f"problems:{len(self.problems | {*problems}):,}")
        return found


def describe(held: Sequence[str], asked: Sequence[str], overrides: Sequence[str]) -> str:
    """Return a line on what a folder holds, what is looked at, and how the rest came about.

    Example:
        >>> describe(["N:16"], ["T:0.3,1", "N:8"], ["generation.n=16"])
        'the folder holds N:16; this looks at T:0.3,1, N:8 (it was made with --set generation.n=16)'
    """
    made = f" (it was made with {' '.join(f'--set {one}' for one in overrides)})" * bool(overrides)
    return f"the folder holds {', '.join(held)}; this looks at {', '.join(asked)}{made}"
