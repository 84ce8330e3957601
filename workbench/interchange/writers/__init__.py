"""EXPORTS: the kinds of files that a run's samples are exported to. ``workbench import`` reads all.

Adding a format is one file here, which writes pools one at a time, and one row in the table.
Imports ``run`` and the rooms below. Start reading in ``exported_run.py``, which says what is
written, and then ``jsonl.py``.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from workbench.core.name_table import NameTable
from workbench.interchange.writers import hub_dataset, inspect_log, jsonl, lm_eval
from workbench.interchange.writers.exported_run import ExportedPool, ExportedRun


@dataclass(frozen=True, slots=True, kw_only=True)
class Export:
    """A kind of file and how it is written."""

    write: Callable[[Path, ExportedRun, Iterator[ExportedPool]], None]
    """Writes all pools into an empty folder, and holds one of them in memory at a time."""
    summary: str
    left_out: str
    """What of a run its files cannot hold."""

    def __repr__(self) -> str:
        """Say what it writes."""
        return f"Export({self.summary!r})"


EXPORTS = NameTable("format to export", {
    "inspect": Export(
        write=inspect_log.write,
        summary="a .eval log for each condition, which `inspect view` opens",
        left_out="tokens are named by their numbers; entropies of single tokens, seeds and subsets",
    ),
    "lm-eval": Export(
        write=lm_eval.write,
        summary="samples_TASK_DATE.jsonl and results_DATE.json of lm-evaluation-harness, a folder "
        "for each condition",
        left_out="log-probabilities and entropies of single tokens (means are kept), seeds and "
        "subsets",
    ),
    "jsonl": Export(
        write=jsonl.write,
        summary="a JSON object a line for each sample, in the import's own columns",
        left_out="entropies of single tokens, seeds and subsets",
    ),
    "hub-dataset": Export(
        write=hub_dataset.write,
        summary="a folder that datasets.load_dataset opens and the hub shows: Parquet with a card",
        left_out="entropies of single tokens, seeds and subsets",
    ),
})  # fmt: skip
