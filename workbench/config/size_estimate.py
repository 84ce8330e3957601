"""How large an experiment is, before anything of it is run."""

from __future__ import annotations

import math
from dataclasses import dataclass

from workbench.config.schema import Experiment


@dataclass(frozen=True, slots=True)
class SizeEstimate:
    """How large a valid experiment is, before anything of it is run."""

    experiment: Experiment
    problems: int
    """How many problems its task really has."""

    @property
    def pools(self) -> int:
        """Pairs of problem and temperature; greedy samples are in none."""
        return self.problems * len(self.experiment.generation.temperatures)

    @property
    def requests(self) -> int:
        """Samples to be drawn, one request each, greedy ones included."""
        settings = self.experiment.generation
        return self.pools * settings.n + (self.problems if settings.greedy else 0)

    @property
    def max_output_tokens(self) -> int:
        """Tokens drawn if every sample runs to ``max_tokens``."""
        return self.requests * self.experiment.generation.max_tokens

    @property
    def subsets(self) -> dict[int, int]:
        """Subsets of each pool, by k."""
        measure, n = self.experiment.measure, self.experiment.generation.n
        return {k: min(math.comb(n, k), measure.replicates) for k in measure.k}

    @property
    def enumerated(self) -> tuple[int, ...]:
        """The k at which these are all the subsets there are."""
        n = self.experiment.generation.n
        return tuple(k for k, count in self.subsets.items() if count == math.comb(n, k))

    @property
    def subset_rows(self) -> int:
        """Rows of the table of subsets."""
        return self.pools * sum(self.subsets.values())

    def describe(self) -> str:
        """Return the sizes as a few lines of text."""
        settings = self.experiment.generation
        greedy = f" + {self.problems:,} greedy" if settings.greedy else ""
        by_k = ", ".join(
            f"k={k}: {'all ' if k in self.enumerated else ''}{count:,}"
            for k, count in self.subsets.items()
        )
        return (
            f"problems       {self.problems:,}\n"
            f"pools          {self.pools:,} (x {len(settings.temperatures)} temperatures)\n"
            f"requests       {self.requests:,} (x {settings.n} samples{greedy})\n"
            f"output tokens  {self.max_output_tokens:,} at most ({settings.max_tokens:,} each)\n"
            f"subsets        {self.subset_rows:,} ({by_k} of each pool)"
        )
