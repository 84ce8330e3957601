"""How large an experiment is, before anything of it is run."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from workbench.config.schema import Experiment


@dataclass(frozen=True, slots=True)
class Plan:
    """How large an experiment is, before anything of it is run."""

    problems: int
    temperatures: int
    greedy: bool
    n: int
    max_tokens: int
    subsets: Mapping[int, int]
    """Subsets of each pool, by k."""
    enumerated: tuple[int, ...]
    """The k at which these are all the subsets there are."""

    @property
    def pools(self) -> int:
        """Pairs of problem and temperature; greedy samples are in none."""
        return self.problems * self.temperatures

    @property
    def requests(self) -> int:
        """Samples to be drawn, one request each, greedy ones included."""
        return self.pools * self.n + (self.problems if self.greedy else 0)

    @property
    def max_output_tokens(self) -> int:
        """Tokens drawn if every sample runs to ``max_tokens``."""
        return self.requests * self.max_tokens

    @property
    def subset_rows(self) -> int:
        """Rows of the table of subsets."""
        return self.pools * sum(self.subsets.values())

    def describe(self) -> str:
        """Return the sizes as a few lines of text."""
        greedy = f" + {self.problems:,} greedy" if self.greedy else ""
        by_k = ", ".join(
            f"k={k}: {'all ' if k in self.enumerated else ''}{count:,}"
            for k, count in self.subsets.items()
        )
        return "\n".join(
            [
                f"problems       {self.problems:,}",
                f"pools          {self.pools:,} (x {self.temperatures} temperatures)",
                f"requests       {self.requests:,} (x {self.n} samples{greedy})",
                f"output tokens  {self.max_output_tokens:,} at most ({self.max_tokens:,} each)",
                f"subsets        {self.subset_rows:,} ({by_k} of each pool)",
            ]
        )


def plan(experiment: Experiment, num_problems: int) -> Plan:
    """Work out the sizes of an experiment.

    Args:
        experiment: a valid experiment.
        num_problems: how many problems its task really has.
    """
    n, measure = experiment.generation.n, experiment.measure
    subsets = {k: min(math.comb(n, k), measure.replicates) for k in measure.k}
    return Plan(
        problems=num_problems,
        temperatures=len(experiment.generation.temperatures),
        greedy=experiment.generation.greedy,
        n=n,
        max_tokens=experiment.generation.max_tokens,
        subsets=subsets,
        enumerated=tuple(k for k in measure.k if math.comb(n, k) <= measure.replicates),
    )
