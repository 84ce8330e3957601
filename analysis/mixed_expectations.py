"""What is exactly known of pools mixed across conditions, which are put together once more."""

from __future__ import annotations

import pandas as pd

from workbench.analysis.aggregate.outcomes import expectations
from workbench.analysis.aggregate.temperature_mixture import mixed_pools
from workbench.config.conditions import pool_sizes
from workbench.config.schema import Selection
from workbench.config.second_turns import names_to_mix
from workbench.pools import by_problem, read_block
from workbench.saved_run import Run


def mixed_expectations(run: Run, selection: Selection) -> pd.DataFrame:
    """Return a row for each mixed pool and k, as ``run.expectations`` has of the others.

    Nothing is drawn: a mixed pool is the first samples of several. The pools of one problem are
    held at a time.

    Args:
        run: a measured run.
        selection: whose rules are applied, and which conditions are mixed.
    """
    settings = run.experiment
    names = names_to_mix(selection.mixed, run.conditions)
    sizes = pool_sizes(settings.generation)
    rows = [
        row
        for block in run.blocks
        for held in by_problem(
            read_block(run.folder, block, with_embeddings=False), sizes, settings.measure
        )
        for pool in mixed_pools((pool for _, pool in held), names)
        for row in expectations(pool, settings.measure.k, selection)
    ]
    return pd.DataFrame(rows)
