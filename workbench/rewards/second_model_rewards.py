"""Rewards from how likely second models hold a run's samples (``second_model.py``)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pyarrow as pa

from workbench.core.console import notice
from workbench.rewards.second_model import table_of
from workbench.storage.manifest import Manifest
from workbench.storage.parquet import KEY, fingerprint, read_stamps, read_table, write_table
from workbench.storage.run_folder import Folder, fresh, sample_hashes


def write_reward(
    folder: Folder,
    manifest: Manifest,
    reward: str,
    settings: Mapping[str, Any],
    said_by: Sequence[str],
    columns: Callable[[int, pa.Table], dict[str, Any]],
) -> None:
    """Write ``rewards/REWARD`` for every block that has none, or one of other values.

    Args:
        folder: the run.
        manifest: its manifest.
        reward: the reward's name.
        settings: what else decides the values.
        said_by: the models of ``scoring.models`` whose values are read.
        columns: (block, its samples) -> what stands beside the key, ``reward`` among it.

    Raises:
        ValueError: a table is damaged, or what ``columns`` raises.
    """
    table = f"rewards/{reward}"
    held = list(folder.blocks_with_samples())
    made_from = {
        block: fingerprint(
            **settings,
            samples=sample_hashes(folder, block),
            said=[
                read_stamps(folder.block_path(table_of(name), block)).get("content")
                for name in said_by
            ],
        )
        for block in held
    }
    todo = [block for block in held if not fresh(folder, table, block, made_from[block])]
    if not todo and manifest.stage(reward).get("status") == "done":
        notice(f"{reward}: up to date")
        return
    with manifest.running(reward, fingerprint(blocks=made_from)) as entry:
        for block in todo:
            samples = folder.read_samples(block, [*KEY, "output_token_ids", "token_logprobs"])
            rows = {name: samples.column(name) for name in KEY} | columns(block, samples)
            write_table(folder.block_path(table, block), pa.table(rows), made_from[block])
        entry["without"] = sum(
            read_table(folder.block_path(table, block), ["reward"]).column("reward").null_count
            for block in held
        )
    if entry["without"]:
        notice(
            f"{reward}: {entry['without']:,} samples have no reward: a model has no values for them"
        )


def read_said(folder: Folder, name: str, block: int, samples: pa.Table) -> pa.Table:
    """Return what a model said of a block's samples, row by row.

    Raises:
        ValueError: it has not read them, or its table is of other samples or damaged.
    """
    path = folder.block_path(table_of(name), block)
    if not path.exists():
        raise ValueError(f"{path} is missing; run `workbench score` first")
    table = read_table(path)
    if not table.select(KEY).equals(samples.select(KEY)):
        raise ValueError(f"{path} is of other samples than {folder.root / 'samples'}; delete it")
    return table
