"""A block's journal becomes Parquet: rows in order of problem, condition and index."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pyarrow as pa

from workbench.core.types import Known
from workbench.storage.journal import read_journal
from workbench.storage.parquet import (
    KEY,
    read_table,
    sample_rows,
    without_empty_columns,
    write_table,
)
from workbench.storage.run_folder import Folder


def sample_keys(samples: pa.Table) -> list[tuple[str, str, int]]:
    """Return the problem, the condition and the index of each row."""
    return list(zip(*(samples[name].to_pylist() for name in KEY), strict=True))


def compact(
    run: Folder, block: int, known: Sequence[Known], rank: Mapping[str, int], made_from: str
) -> None:
    """Move a block's journal into Parquet files.

    New samples make a new file. Those drawn in the place of error rows take their rows in the file
    where these are, which is replaced as a whole; until the journal is gone, they count from there.

    Args:
        run: the run's folder.
        block: which block.
        known: the run's problems, in their order.
        rank: the place of each condition in the order of rows; others stand behind these.
        made_from: the fingerprint that the files carry.
    """
    journal = run.journal(block)
    if not journal.exists():
        return
    rows = {(s.problem_id, s.condition, s.sample_index): s for s in read_journal(journal)}
    for path in run.parts(block):
        held = read_table(path, (*KEY, "stop_reason"))
        failed = [reason == "error" for reason in held["stop_reason"].to_pylist()]
        drawn = [rows.pop(key, None) for key in sample_keys(held)]  # good ones stay as they are
        places = {n: s for n, (s, e) in enumerate(zip(drawn, failed, strict=True)) if s and e}
        if places:
            new = sample_rows(list(places.values()))
            order = {place: held.num_rows + n for n, place in enumerate(places)}
            table = pa.concat_tables([read_table(path), new], promote_options="default")
            table = without_empty_columns(table)
            taken = table.take([order.get(n, n) for n in range(held.num_rows)])
            write_table(path, taken, made_from)
    number = {item.problem.id: n for n, item in enumerate(known)}
    late = sorted(
        rows, key=lambda key: (number[key[0]], rank.get(key[1], len(rank)), key[1], key[2])
    )
    if late:
        samples = without_empty_columns(sample_rows([rows[key] for key in late]))
        write_table(run.next_part(block), samples, made_from)
    journal.unlink()
