"""The second reading of an import: checked rows are put into blocks and written as tables.

Rows come in any order. They are appended to one waiting file for each block of problems; then one
block after another is sorted and written. So memory holds one block, not the whole file.
"""

import pickle
import shutil
from collections import defaultdict
from collections.abc import Sequence
from itertools import groupby, pairwise
from operator import itemgetter
from pathlib import Path

import pyarrow as pa

from workbench.core.conditions import temperature_name
from workbench.core.console import progress_bar
from workbench.core.reading_progress import reading_progress
from workbench.core.thinking import Markers, split_thought
from workbench.core.types import Known
from workbench.core.unpacked_files import MIB
from workbench.interchange.imported_conditions import condition_of
from workbench.interchange.row_faults import RowFaults
from workbench.interchange.row_reader import RowReader
from workbench.interchange.sample_files import SampleFiles
from workbench.interchange.sample_row import RowLocation, SampleRow
from workbench.interchange.survey import Survey
from workbench.storage.open_run import OpenRun
from workbench.storage.parquet import (
    SAMPLES,
    STORED_KEY,
    means_of_parts,
    without_empty_columns,
    write_table,
)
from workbench.storage.run_folder import Folder, block_size

BUFFERED = 16 * MIB
"""Bytes of rows held in memory before they are appended to the waiting files of their blocks."""
LARGEST_BLOCK = 64 * MIB
"""Bytes that a block's texts and tokens may take, unless one problem has more; it is in memory
several times over while it is written."""
PART = "import.part"
"""Folder of an unfinished import, inside the run's."""
WaitingRow = tuple[int, RowLocation, SampleRow]
"""(index of the problem, location, row)."""
NumberedRows = list[tuple[int, SampleRow]]
"""(number in the pool, row) of each."""


def write_blocks(run: OpenRun, source: SampleFiles, survey: Survey, made_from: str) -> int:
    """Write problems, samples, and the answers, correctness and rewards that came with them.

    All is made in the folder ``PART`` and moved to its place when it is complete.

    Returns:
        How many samples have a thought, which is kept apart from the answer.

    Raises:
        ValueError: two rows are the same sample, or a file changed since the survey.
    """
    for name in (PART, "samples", "given"):
        shutil.rmtree(run.root / name, ignore_errors=True)
    (run.root / "problems.jsonl").unlink(missing_ok=True)
    part = Folder(run.root / PART)
    part.root.mkdir(parents=True)
    per_problem = -(-survey.samples // len(survey.problems))
    fit = max(1, LARGEST_BLOCK * len(survey.problems) // max(survey.size, 1))
    size = run.manifest.data.get("problems_per_block") or min(block_size(per_problem), fit)
    run.manifest.update(problems_per_block=size)
    thoughts = 0
    try:
        known = list(survey.known_problems())
        part.write_problems(known)
        count = -(-len(known) // size)
        with reading_progress("sort", source.files):
            _spread(source, survey, part.root, size)
        with progress_bar("import", count, "blocks") as advance:
            for block in range(count):
                rows = _sorted_rows(_read_waiting(part.root, block), survey, source)
                samples = _samples_table(rows, survey, known, run.task.thinking.markers)
                thoughts += samples.num_rows - samples.column("thought").null_count
                write_table(part.next_part(block), without_empty_columns(samples), made_from)
                given = _given_table(rows, samples, survey)
                write_table(part.block_path("given", block), given, made_from)
                advance(1)
        for name in ("given", "samples", "problems.jsonl"):
            if (part.root / name).exists():
                (part.root / name).replace(run.root / name)
    finally:
        shutil.rmtree(part.root, ignore_errors=True)
    return thoughts


def _spread(source: SampleFiles, survey: Survey, home: Path, size: int) -> None:
    """Append every row to the waiting file of its block."""
    waiting: dict[int, list[bytes]] = defaultdict(list)
    held = 0
    for location, row in RowReader(source, survey.mapping).rows():
        if row.problem_id not in survey.problems:
            raise ValueError(f"{source.name} changed while it was read; import it again")
        index = survey.problems[row.problem_id].index
        columns = row.columns()
        columns.pop("problem", None)  # the survey has it
        packed = pickle.dumps((index, location, columns))
        waiting[index // size].append(packed)
        held += len(packed)
        if held > BUFFERED:
            _append(waiting, home)
            held = 0
    _append(waiting, home)


def _append(waiting: dict[int, list[bytes]], home: Path) -> None:
    """Move packed rows to the waiting files of their blocks."""
    for block, rows in waiting.items():
        with (home / f"rows-{block}").open("ab") as file:
            file.writelines(rows)
    waiting.clear()


def _read_waiting(home: Path, block: int) -> list[WaitingRow]:
    """Return the rows of a block in the order of reading, and delete their file."""
    path = home / f"rows-{block}"
    rows: list[WaitingRow] = []
    size = path.stat().st_size
    with path.open("rb") as file:
        while file.tell() < size:
            index, location, columns = pickle.load(file)
            rows.append((index, location, SampleRow.of_checked(columns)))
    path.unlink()
    return rows


def _sorted_rows(rows: list[WaitingRow], survey: Survey, source: SampleFiles) -> NumberedRows:
    """Return rows by problem, condition and number; refuse double ones."""
    rank = survey.conditions.rank
    ordered = []
    for index, at, row in rows:
        number = at.number if row.sample_index is None else row.sample_index
        ordered.append((index, rank[condition_of(row)], number, at, row))
    ordered.sort()
    faults = RowFaults()
    for (*one, first, _), (*other, second, row) in pairwise(ordered):
        if one == other:
            where = "null" if row.temperature is None else f"{row.temperature:g}"
            where = f"at temperature {where}"
            if (name := condition_of(row)) != temperature_name(row.temperature):
                where = f"in condition {name}"
            faults.add(
                second.label,
                f"sample {row.sample_index} of {row.problem_id!r} {where} is also "
                f"at {first.label}; keep one of them, or leave out sample_index",
            )
    if faults:
        raise ValueError(f"{source.name} cannot be imported:\n{faults.listed()}")
    pools = groupby(ordered, key=itemgetter(0, 1))
    return [(number, row) for _, pool in pools for number, (*_, row) in enumerate(pool)]


def _samples_table(
    rows: NumberedRows, survey: Survey, known: Sequence[Known], thinking: Sequence[Markers]
) -> pa.Table:
    """Return rows as the table of samples; what a file does not have is null."""
    values = []
    for number, row in rows:
        tokens, total, mean = row.likelihood()
        parts = split_thought(row.text, thinking, row.thought)
        token_logprobs = row.token_logprobs or []
        was_cut = row.is_full() or not parts.closed  # unless the file says why it ended
        means = means_of_parts(token_logprobs, row.num_thought_tokens, tokens)
        values.append(
            {
                "problem_id": row.problem_id,
                "condition": condition_of(row),
                "temperature": row.temperature,
                "sample_index": number,
                "completion": parts.answer,
                "seed": row.seed,
                "stop_reason": row.stop_reason or ("length" if was_cut else None),
                "num_output_tokens": tokens,
                "output_token_ids": [],
                "token_logprobs": token_logprobs,
                "cumulative_logprob": total,
                "mean_logprob": mean,
                "prompt_hash": known[survey.problems[row.problem_id].index].prompt_hash,
                "error": row.error or "",
                "mean_entropy": row.mean_entropy,
                "token_entropies": [],
                "missing_mass": [],
                "thought": parts.thought,
                "num_thought_tokens": row.num_thought_tokens,
                "thought_logprob": _known(row.thought_logprob, means[0]),
                "answer_logprob": _known(row.answer_logprob, means[1]),
                "thought_entropy": row.thought_entropy,
                "answer_entropy": row.answer_entropy,
            }
        )
    return pa.Table.from_pylist(values, schema=SAMPLES)


def _known(given: float | None, computed: float | None) -> float | None:
    return computed if given is None else given


def _given_table(rows: NumberedRows, samples: pa.Table, survey: Survey) -> pa.Table:
    """Return answers, correctness and rewards that came with the rows; a column only if any has."""
    columns = {
        "answer": ("answer", pa.string()),
        "is_correct": ("correct", pa.bool_()),
        "reward": ("reward", pa.float64()),
    }
    table = samples.select(STORED_KEY)
    for name, (column, kind) in columns.items():
        if survey.rows_with[column]:
            values = pa.array([getattr(row, column) for _, row in rows], kind)
            table = table.append_column(name, values)
    return table
