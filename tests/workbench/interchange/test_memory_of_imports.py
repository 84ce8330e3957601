"""An import holds one block and what is buffered, whatever the size of the file."""

import json
import tracemalloc
from functools import partial

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from workbench.analysis.aggregate import AGGREGATORS
from workbench.interchange import block_writer, row_reader
from workbench.interchange.importer import import_file
from workbench.interchange.readers import parquet
from workbench.interchange.sample_files import SampleFiles
from workbench.interchange.survey import survey

KIB = 1 << 10
TEXT = "word " * 400
"""2,000 bytes of text."""


def bring(file, root):
    files = SampleFiles.from_options([file])
    import_file(files, root, overrides=["tracking.mode=disabled"], aggregators=AGGREGATORS)


def stored(root):
    return [pq.read_table(path) for path in sorted((root / "samples").glob("block-*.parquet"))]


def rows_of(problems, samples=4):
    return [
        {"problem_id": f"p{p}", "text": f"{p} {i} {TEXT}", "gold": "1"}
        for i in range(samples)
        for p in range(problems)
    ]


def as_lines(path, rows):
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def as_list(path, rows):
    path.write_text(json.dumps({"model": "m", "results": rows}))
    return path


def most_held(work):
    """Run it and return the most bytes of Python's objects that were held at any time."""
    tracemalloc.start()
    try:
        work()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("write", [as_lines, as_list])
def test_what_is_held_while_rows_are_counted_does_not_grow_with_the_file(
    tmp_path, monkeypatch, write
):
    monkeypatch.setattr(row_reader, "FIRST_CHARACTERS", 5 * KIB)
    files = [write(tmp_path / f"{size}.json", rows_of(4, size)) for size in (2, 10, 50)]
    sources = [SampleFiles.from_options([file]) for file in files]
    survey(sources[0])  # loads what it needs
    small, large = (most_held(partial(survey, source)) for source in sources[1:])
    assert files[2].stat().st_size > 300 * KIB
    assert large < small + 20 * KIB, (small, large)


def test_what_is_held_while_rows_are_sorted_does_not_grow_with_the_file(tmp_path, monkeypatch):
    """Of 300 KiB at most 20 and a row wait to be appended, and 40 are a block."""
    monkeypatch.setattr(block_writer, "BUFFERED", 20 * KIB)
    monkeypatch.setattr(block_writer, "LARGEST_BLOCK", 40 * KIB)
    append, sort = block_writer._append, block_writer._sorted_rows
    appended, sorted_ = [], []

    def seen_append(waiting, home):
        appended.append(sum(len(row) for rows in waiting.values() for row in rows))
        append(waiting, home)
        assert not waiting

    def seen_sort(rows, *more):
        sorted_.append(sum(row.size for *_, row in rows))
        return sort(rows, *more)

    monkeypatch.setattr(block_writer, "_append", seen_append)
    monkeypatch.setattr(block_writer, "_sorted_rows", seen_sort)
    rows = [row | {"answer": "1", "correct": True} for row in rows_of(40)]
    bring(as_lines(tmp_path / "a.jsonl", rows), tmp_path / "run")
    assert sum(sorted_) > 300 * KIB
    assert max(sorted_) <= 40 * KIB
    assert 20 * KIB < max(appended) < 23 * KIB


def test_a_block_holds_fewer_problems_where_their_samples_are_long(tmp_path, monkeypatch):
    file = as_lines(tmp_path / "a.jsonl", rows_of(6))
    assert survey(SampleFiles.from_options([file])).size == sum(
        len(row["text"]) for row in rows_of(6)
    )
    bring(file, tmp_path / "whole")
    monkeypatch.setattr(block_writer, "LARGEST_BLOCK", 2 * 4 * (len(TEXT) + 4))
    bring(file, tmp_path / "parts")
    monkeypatch.setattr(block_writer, "LARGEST_BLOCK", 1)
    bring(file, tmp_path / "ones")
    tables = [stored(tmp_path / run) for run in ("whole", "parts", "ones")]
    assert [len(blocks) for blocks in tables] == [1, 3, 6]
    assert all(pa.concat_tables(blocks).equals(tables[0][0]) for blocks in tables)


@pytest.mark.parametrize("group", [1000, 8000])
def test_parquet_is_read_without_keeping_what_was_read(tmp_path, group):
    """Of several row groups, or of one; what Arrow holds is not among Python's objects."""
    table = pa.table({"problem_id": range(8000), "text": [f"{i} {TEXT}" for i in range(8000)]})
    file = tmp_path / "a.parquet"
    pq.write_table(
        table,
        file,
        row_group_size=group,
        compression="none",
        use_dictionary=False,
        write_batch_size=64,
    )
    del table
    before = pa.total_allocated_bytes()
    most = max(pa.total_allocated_bytes() - before for _ in parquet.read(file))
    assert file.stat().st_size > 15_000 * KIB
    assert most < 5_000 * KIB
