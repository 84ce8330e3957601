"""``workbench export``: a run's samples become the files of another tool."""

import shutil
from collections.abc import Iterator
from pathlib import Path

from workbench.core.lookup import lookup
from workbench.interchange.writers import EXPORTS
from workbench.interchange.writers.exported_run import ExportedPool, ExportedRun, exported_pools
from workbench.saved_run import Run


def export_run(run: Run, to: str, out: Path | None = None) -> str:
    """Write a scored run's samples, answers, correctness and rewards as another tool's files.

    ``to`` is a key of ``EXPORTS``; ``out`` is a new folder, by default ``export/TO`` in the run's.

    Returns:
        What was written, what was left out, and how to import it again.

    Raises:
        ValueError: there is no such format, the folder holds something, or the run is not scored.
        OSError: a file cannot be written.
    """
    export = lookup(EXPORTS, to, "format")
    target = out or run.root / "export" / to
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise ValueError(f"{target} is there already; give a new folder with --out, or delete it")
    about = ExportedRun.of(run)
    part = target.with_name(f"{target.name}.part")
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(parents=True)
    sizes: list[int] = []

    def counted() -> Iterator[ExportedPool]:
        for pool in exported_pools(run, about):
            sizes.append(len(pool.samples))
            yield pool

    try:
        export.write(part, about, counted())
        if target.exists():
            target.rmdir()
        part.replace(target)
    finally:
        shutil.rmtree(part, ignore_errors=True)
    lines = [
        f"exported   {sum(sizes):,} samples in {len(sizes):,} pools to {target}",
        f"written    {export.summary}",
        f"left out   {export.left_out}",
    ]
    if about.has_log_reward:
        lines.append("rewards    a log-ratio comes back as its sigmoid: weighted votes change")
    if to == "hub-dataset":
        lines.append(f"upload     hf upload OWNER/NAME {target} --repo-type dataset")
    return "\n".join([*lines, f"back       workbench import {target} {about.options()}"])
