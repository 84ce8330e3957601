"""Samples are told once to those who look, whatever becomes of the files between two looks."""

import pytest

import workbench.storage.new_samples as new_samples
from workbench.core.types import Known, Problem, Sample
from workbench.generate.compaction import compact
from workbench.storage.journal import Journal
from workbench.storage.new_samples import NewSamples, texts_of
from workbench.storage.run_folder import Folder

KNOWN = [Known(Problem("p", "?", "1"), "h")]


def sample(index, reason="stop"):
    error = "failed" if reason == "error" else ""
    return Sample("p", 1.0, index, f"text {index}", reason, (1, 2), (-0.5, -1.0), 0, "h", error)


@pytest.fixture
def run(tmp_path):
    (tmp_path / "samples").mkdir()
    return Folder(tmp_path)


def add(run, *samples, block=0):
    with Journal(run.journal(block)) as journal:
        for one in samples:
            journal.add(one)


def seen(new):
    return [
        (block, index)
        for block in new.folder.blocks_with_samples()
        for rows in new.look(block)
        for index in rows["sample_index"].to_pylist()
    ]


def test_each_sample_of_a_journal_is_told_once(run):
    new = NewSamples(run)
    assert seen(new) == []
    add(run, sample(0), sample(1))
    assert seen(new) == [(0, 0), (0, 1)]
    assert seen(new) == []
    add(run, sample(2))
    add(run, sample(0), block=3)
    assert seen(new) == [(0, 2), (3, 0)]


def test_a_compacted_journal_is_one_file_that_is_read_once(run, monkeypatch):
    read = []
    real = new_samples.read_table
    monkeypatch.setattr(
        new_samples, "read_table", lambda path, columns: read.append(path) or real(path, columns)
    )
    new = NewSamples(run)
    add(run, sample(0), sample(1))
    assert len(seen(new)) == 2
    add(run, sample(2))  # and it is compacted before the next look
    compact(run, 0, KNOWN, {}, "made")
    assert seen(new) == [(0, 0), (0, 1), (0, 2)]
    assert seen(new) == []
    assert len(read) == 1
    add(run, sample(3))  # a new journal in the place of the one before
    assert seen(new) == [(0, 3)]
    compact(run, 0, KNOWN, {}, "made")
    assert seen(new) == [(0, 3)]
    assert len(read) == 2  # and not the first file again


def test_a_file_in_which_error_rows_were_replaced_is_read_again(run):
    new = NewSamples(run)
    add(run, sample(0), sample(1, "error"))
    compact(run, 0, KNOWN, {}, "made")
    assert seen(new) == [(0, 0), (0, 1)]
    add(run, sample(1))
    compact(run, 0, KNOWN, {}, "made")
    (rows,) = new.look(0)
    assert rows["stop_reason"].to_pylist() == ["stop", "stop"]


def test_a_journal_that_goes_while_it_is_looked_for_is_found_as_a_file(run, monkeypatch):
    add(run, sample(0), sample(1))

    def compacted_just_now(reader):
        monkeypatch.undo()
        compact(run, 0, KNOWN, {}, "made")
        raise FileNotFoundError(reader.path)

    monkeypatch.setattr(new_samples.JournalReader, "__iter__", compacted_just_now)
    assert seen(NewSamples(run)) == [(0, 0), (0, 1)]


def test_a_file_that_is_half_written_is_none_yet(run):
    new = NewSamples(run)
    add(run, sample(0))
    compact(run, 0, KNOWN, {}, "made")
    whole = run.parts(0)[0].read_bytes()
    (run.root / "samples" / "block-00001.000.parquet.part").write_bytes(whole[:50])
    assert seen(new) == [(0, 0)]


def test_texts_are_read_when_they_are_asked_for(run):
    new = NewSamples(run)
    add(run, sample(0))
    assert [rows.schema.names[-1] for rows in new.look(0)] == ["completion"]
    compact(run, 0, KNOWN, {}, "made")
    assert all("completion" not in rows.schema.names for rows in new.look(0))
    (rows,) = texts_of(run, 0)
    assert rows["completion"].to_pylist() == ["text 0"]
