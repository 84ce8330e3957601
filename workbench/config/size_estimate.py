"""How large an experiment is, before anything of it is run."""

import math

from workbench.config.schema import Experiment


def size_estimate(experiment: Experiment, problems: int) -> str:
    """Return the sizes of an experiment on so many problems as a few lines of text.

    Pools are pairs of problem and temperature; greedy samples are in none, but are drawn. At most
    so many tokens are drawn, and so many subsets measured: "all" where these are all there are.
    """
    drawn, measure = experiment.generation, experiment.measure
    pools = problems * len(drawn.temperatures)
    requests = pools * drawn.n + (problems if drawn.greedy else 0)
    subsets = {k: min(math.comb(drawn.n, k), measure.replicates) for k in measure.k}
    by_k = ", ".join(
        f"k={k}: {'all ' if count == math.comb(drawn.n, k) else ''}{count:,}"
        for k, count in subsets.items()
    )
    greedy = f" + {problems:,} greedy" if drawn.greedy else ""
    return (
        f"problems       {problems:,}\n"
        f"pools          {pools:,} (x {len(drawn.temperatures)} temperatures)\n"
        f"requests       {requests:,} (x {drawn.n} samples{greedy})\n"
        f"output tokens  {requests * drawn.max_tokens:,} at most ({drawn.max_tokens:,} each)\n"
        f"subsets        {pools * sum(subsets.values()):,} ({by_k} of each pool)"
    )
