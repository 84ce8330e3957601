"""EXPORTS: the kinds of files that a run's samples go out as. ``workbench import`` reads them all.

Adding one is one small file, which writes pools one at a time, and one line in the table.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from workbench.core.lookup import lookup
from workbench.interchange.writers import hub_dataset, inspect_log, jsonl, lm_eval
from workbench.interchange.writers.pools import Outgoing, Source, outgoing
from workbench.rewards import REWARDS
from workbench.run import Run


@dataclass(frozen=True, slots=True)
class Export:
    """A kind of file and how it is written."""

    write: Callable[[Path, Source, Iterator[Outgoing]], None]
    """Writes all pools into an empty folder; holds one of them at a time."""
    summary: str
    left_out: str
    """What of a run its files cannot hold."""


EXPORTS: dict[str, Export] = {
    "inspect": Export(
        inspect_log.write,
        "a .eval log for each temperature, which `inspect view` opens",
        "tokens are named by their numbers; entropies of single tokens, seeds and subsets",
    ),
    "lm-eval": Export(
        lm_eval.write,
        "samples_TASK_DATE.jsonl and results_DATE.json of lm-evaluation-harness, a folder for "
        "each temperature",
        "log-probabilities and entropies of single tokens (means are kept), seeds and subsets",
    ),
    "jsonl": Export(
        jsonl.write,
        "a JSON object a line for each sample, in the import's own columns",
        "entropies of single tokens, seeds and subsets",
    ),
    "hub-dataset": Export(
        hub_dataset.write,
        "a folder that datasets.load_dataset opens and the hub shows: Parquet with a card",
        "entropies of single tokens, seeds and subsets",
    ),
}


def export_run(run: Run, to: str, out: Path | None = None) -> str:
    """Write a run's samples, answers, correctness and rewards as another tool's files.

    Args:
        run: a run that is scored.
        to: a key of ``EXPORTS``.
        out: a new folder; by default ``export/TO`` inside the run's.

    Returns:
        What was written, what was left out, and how to import it again.

    Raises:
        ValueError: there is no such format, the folder holds something, or the run is not scored.
        OSError: a file cannot be written.
    """
    kind = lookup(EXPORTS, to, "format")
    home = out or run.root / "export" / to
    if home.exists() and (not home.is_dir() or any(home.iterdir())):
        raise ValueError(f"{home} is there already; give a new folder with --out, or delete it")
    source = Source.of(run)
    part = home.with_name(f"{home.name}.part")
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(parents=True)
    counts = [0, 0]

    def counted() -> Iterator[Outgoing]:
        for pool in outgoing(run, source):
            counts[0] += 1
            counts[1] += len(pool.samples)
            yield pool

    try:
        kind.write(part, source, counted())
        if home.exists():
            home.rmdir()
        part.replace(home)
    finally:
        shutil.rmtree(part, ignore_errors=True)
    lines = [
        f"exported   {counts[1]:,} samples in {counts[0]:,} pools to {home}",
        f"written    {kind.summary}",
        f"left out   {kind.left_out}",
    ]
    if source.reward is not None and REWARDS[source.reward].is_log:
        lines.append("rewards    a log-ratio comes back as its sigmoid: weighted votes change")
    if to == "hub-dataset":
        lines.append(f"upload     hf upload OWNER/NAME {home} --repo-type dataset")
    return "\n".join([*lines, f"back       workbench import {home} {source.options()}"])
