"""Where a comparison is written: a folder of tables, each as CSV and as text with its notes."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path

from workbench.analysis.compare.settings import names_of
from workbench.analysis.frames import Table
from workbench.analysis.markdown import to_markdown
from workbench.saved_run import Run
from workbench.storage.parquet import write_atomically

LONGEST_NAME = 100
"""Characters of a folder's name."""


def comparison_folder(runs: Sequence[Run]) -> Path:
    """Return where a comparison of these runs is written unless a place is given.

    In the folder of the first run: ``compare`` for its own conditions, and a folder in there,
    named after the other runs, where there are any.
    """
    first, *others = runs
    if not others:
        return first.root / "compare"
    name = "+".join(run.root.resolve().name for run in others)
    names_of(runs)  # a run that is given twice is refused before anything is written
    short = [run.root.resolve().name for run in runs]
    if len(name) > LONGEST_NAME or len({*short}) < len(short):
        whole = "\n".join(str(run.root.resolve()) for run in others)
        name = f"{name[:LONGEST_NAME]}-{hashlib.sha256(whole.encode()).hexdigest()[:8]}"
    return first.root / "compare" / name


def save_tables(tables: Mapping[str, Table], folder: Path, signature: str) -> None:
    """Write each table as ``NAME.csv`` and, with its notes, as ``NAME.md``.

    Raises:
        ValueError: the folder cannot be written; the message names ``--out``.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, table in tables.items():
            csv, text = table.frame.to_csv(index=False), to_markdown(name, table, signature)
            for end, content in (("csv", csv), ("md", text)):
                _write(folder / f"{name}.{end}", content)
    except OSError as fault:
        raise ValueError(
            f"the tables cannot be written into {folder} ({fault.strerror}); give another folder "
            "with --out"
        ) from fault


def _write(path: Path, content: str) -> None:
    # a lone surrogate, which a model's bytes may decode to, has no UTF-8 of its own
    safe = content.encode("utf-8", "replace")
    write_atomically(path, lambda part: part.write_bytes(safe))
