"""Samples out as JSONL: the columns of ``workbench import``, and what else is known."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from workbench.interchange.writers.pools import Outgoing, Source


def write(home: Path, source: Source, pools: Iterator[Outgoing]) -> None:
    """Write ``samples.jsonl``; what is not known of a sample is left out of its line."""
    with (home / "samples.jsonl").open("w", encoding="utf-8") as file:
        for pool in pools:
            for sample in pool.samples:
                row = {
                    "problem_id": pool.problem.id,
                    "problem": pool.problem.question or None,
                    "gold": pool.problem.gold,
                    "model": source.model,
                    "temperature": pool.temperature,
                } | sample
                known = {name: value for name, value in row.items() if value is not None}
                file.write(json.dumps(known, ensure_ascii=False) + "\n")
