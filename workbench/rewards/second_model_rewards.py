"""What is shared by the rewards computed from tables of second models (``second_model.py``)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa

from workbench.core.console import notice
from workbench.rewards.block_step import BlockStep, require_matching
from workbench.rewards.second_model import table_of
from workbench.storage.open_run import OpenRun
from workbench.storage.parquet import KEY, fingerprint, read_stamps
from workbench.storage.run_folder import Folder


def write_reward(
    run: OpenRun,
    reward: str,
    settings: Mapping[str, Any],
    models: Sequence[str],
    columns: Callable[[int, pa.Table], dict[str, Any]],
) -> None:
    """Write ``rewards/REWARD`` for every block that has none, or one of other values.

    Args:
        run: the run.
        reward: the reward's name.
        settings: what decides the values apart from samples and second models.
        models: the models of ``scoring.models`` whose tables are read.
        columns: (block, its samples) -> the columns beside the key, ``reward`` among them.

    Raises:
        ValueError: a table is damaged, or what ``columns`` raises.
    """

    def model_paths(block: int) -> list[Path]:
        return [run.block_path(table_of(name), block) for name in models]

    made_from = {
        block: fingerprint(
            **settings,
            samples=run.sample_hashes(block),
            said=[read_stamps(path).get("content") for path in model_paths(block)],
        )
        for block in run.blocks_with_samples()
    }
    step = BlockStep(run, reward, f"rewards/{reward}", made_from)
    outdated = step.outdated_blocks()
    if outdated is None:
        return
    with step.running() as entry:
        for block in outdated:
            samples = run.read_samples(block, [*KEY, "output_token_ids", "token_logprobs"])
            rows = {name: samples.column(name) for name in KEY} | columns(block, samples)
            step.write(block, pa.table(rows))
        entry["without"] = sum(step.read_column(b, "reward").null_count for b in made_from)
    if entry["without"]:
        notice(
            f"{reward}: {entry['without']:,} samples have no reward: a model has no values for them"
        )


def read_second_model(folder: Folder, name: str, block: int, samples: pa.Table) -> pa.Table:
    """Return the table of a second model for a block, row by row in the order of the samples.

    Raises:
        ValueError: the model has not scored the samples, or its table is of other samples or
            damaged.
    """
    return require_matching(folder, table_of(name), block, samples)
