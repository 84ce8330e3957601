"""Export as JSONL: the columns that ``workbench import`` reads, and the other known ones."""

import json
from collections.abc import Iterator
from pathlib import Path

from workbench.interchange.writers.exported_run import ExportedPool, ExportedRun


def write(out: Path, run: ExportedRun, pools: Iterator[ExportedPool]) -> None:
    """Write ``samples.jsonl``; a line has only the known columns of its sample."""
    with (out / "samples.jsonl").open("w", encoding="utf-8") as file:
        for pool in pools:
            shared = run.shared_columns(pool) | {"problem": pool.problem.question or None}
            for sample in pool.samples:
                row = shared | sample
                known = {name: value for name, value in row.items() if value is not None}
                file.write(json.dumps(known, ensure_ascii=False) + "\n")
