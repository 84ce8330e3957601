"""``workbench import --dry-run``: what files would be imported as, without writing anything."""

import json
from collections.abc import Sequence
from itertools import islice
from pathlib import Path

from workbench.interchange.chosen_checks import chosen_task
from workbench.interchange.import_summary import column_table, describe, without_model
from workbench.interchange.readers import FORMATS
from workbench.interchange.row_reader import RowReader
from workbench.interchange.sample_files import SampleFiles
from workbench.interchange.sample_row import SAMPLE_COLUMNS
from workbench.interchange.survey import Survey, survey

ROWS_SHOWN = 3
LONGEST_ROW = 300
"""Characters of a row that is shown."""


def preview(
    source: SampleFiles,
    compare: str | None = None,
    regrade: bool = False,
    overrides: Sequence[str] = (),
) -> str:
    """Return what the files are taken for, what they hold and their first samples.

    How answers would be compared is said on the way, as by ``import_file``.

    Raises:
        ValueError: the files have faults, which are named by line.
    """
    found = survey(source)
    facts = found.facts()
    refusals = list(found.refusals)
    if not any(setting.startswith("generation.model=") for setting in overrides):
        refusals += filter(None, [without_model(source, facts)])
    if not refusals:
        chosen_task(source, found, facts, compare, regrade, overrides)
    summary = describe(Path(), source, facts, {}, regrade)
    models = ", ".join(f"{name or 'unknown'} ({n:,})" for name, n in found.values["model"].items())
    return "\n".join(
        [
            f"{source.name}, read as {source.format}: {FORMATS[source.format].summary}",
            "",
            column_table(found),
            "",
            summary.rpartition("\n")[0],  # without the next command
            f"models        {models}",
            f"missing       {_missing(found)}",
            *_first_rows(source, found),
            *(f"refused       {why}" for why in refusals),
            "nothing was written (--dry-run)",
        ]
    )


def _missing(found: Survey) -> str:
    counts = {name: found.samples - found.rows_with[name] for name in found.mapping.theirs}
    some = [f"{name} in {n:,}" for name, n in counts.items() if 0 < n < found.samples]
    return ", ".join(some) or "nothing: no column has a value in some rows only"


def _first_rows(source: SampleFiles, found: Survey) -> list[str]:
    lines = []
    rows = RowReader(source, found.mapping).rows()
    for number, (_, row) in enumerate(islice(rows, ROWS_SHOWN), start=1):
        known = {name: getattr(row, name) for name in SAMPLE_COLUMNS}
        known = {name: value for name, value in known.items() if value is not None}
        text = json.dumps(known, ensure_ascii=False)
        short = text if len(text) <= LONGEST_ROW else f"{text[: LONGEST_ROW - 3]}..."
        lines.append(f"sample {number:<6} {short}")
    return lines
