"""A block's journal becomes Parquet, in order of problem, condition and index."""

import pyarrow.parquet as pq
import pytest

from workbench.core.types import Known, Problem, Sample
from workbench.generate.compaction import compact, sample_keys
from workbench.storage.journal import Journal
from workbench.storage.parquet import read_stamps
from workbench.storage.run_folder import Folder

KNOWN = [Known(Problem(name, "?", "1"), "h") for name in ("q", "p")]
RANK = {"T1": 0, "hot": 1}


def sample(problem, condition, index, text="x", reason="stop"):
    error = "failed" if reason == "error" else ""
    return Sample(problem, 1.0, index, text, reason, (1,), (-0.5,), index, "h", error,
                  condition=condition)  # fmt: skip


@pytest.fixture
def folder(tmp_path):
    """A function that writes samples to the journal and has it compacted; it gives all rows."""

    def write(*samples, rank=RANK):
        run = Folder(tmp_path)
        (tmp_path / "samples").mkdir(exist_ok=True)
        with Journal(run.journal(0)) as journal:
            for one in samples:
                journal.add(one)
        compact(run, 0, KNOWN, rank, "made")
        assert not run.journal(0).exists()
        return [pq.read_table(path) for path in sorted(run.parts(0))]

    write.run = Folder(tmp_path)
    return write


def test_rows_are_in_order_of_problem_condition_and_index(folder):
    keys = [(p, c, i) for p in ("p", "q") for c in ("hot", "T1", "old", "any") for i in (1, 0)]
    (table,) = folder(*(sample(*key) for key in keys))
    # "any" and "old" are not asked for: they are last, by name
    assert sample_keys(table) == [
        (p, c, i) for p in ("q", "p") for c in ("T1", "hot", "any", "old") for i in (0, 1)
    ]
    assert read_stamps(folder.run.parts(0)[0])["fingerprint"] == "made"


def test_a_later_round_is_a_file_of_its_own_and_changes_none(folder):
    (first,) = folder(sample("q", "T1", 0))
    before = folder.run.parts(0)[0].read_bytes()
    again, second = folder(sample("q", "T1", 1), sample("q", "hot", 0))
    assert folder.run.parts(0)[0].read_bytes() == before
    assert again.equals(first)
    assert sample_keys(second) == [("q", "T1", 1), ("q", "hot", 0)]


def test_what_is_drawn_in_the_place_of_an_error_row_takes_its_row(folder):
    folder(sample("q", "T1", 0, reason="error"), sample("q", "hot", 0, reason="error"),
           sample("q", "hot", 1))  # fmt: skip
    (table,) = folder(sample("q", "hot", 0, "again"), sample("q", "hot", 1, "never"))
    assert sample_keys(table) == [("q", "T1", 0), ("q", "hot", 0), ("q", "hot", 1)]
    assert table["completion"].to_pylist() == ["x", "again", "x"]
    assert table["stop_reason"].to_pylist() == ["error", "stop", "stop"]


def test_without_a_journal_nothing_is_done(folder):
    compact(folder.run, 3, KNOWN, RANK, "made")
    assert not list(folder.run.parts(3))
