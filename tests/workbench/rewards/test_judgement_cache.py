"""What was said of texts is found again, in a table or in a journal, and only of the same model."""

import pyarrow as pa
import pytest

from workbench.rewards.judgement_cache import Facts, journal_path, read_kept
from workbench.storage.journal import Journal
from workbench.storage.parquet import write_table
from workbench.storage.run_folder import Folder


@pytest.fixture
def folder(tmp_path):
    return Folder(tmp_path)


def write(folder, rows):
    names = ("text_hash", "judged_by", "reward", "words")
    table = pa.table({name: [row[i] for row in rows] for i, name in enumerate(names)})
    write_table(folder.block_path("rewards/x", 0), table, "made")


def test_the_table_and_the_journal_are_read_and_the_journal_is_later(folder):
    assert read_kept(folder, "rewards/x", 0, "me", ["reward"]) == {}
    write(folder, [("a", "me", 0.5, 3), ("b", "other", 0.6, 4), (None, "me", None, None)])
    with Journal(journal_path(folder, "rewards/x", 0)) as journal:
        journal.add({"judged_by": "me", "text": "c", "reward": None, "words": 1})
        journal.add({"judged_by": "me", "text": "a", "reward": 0.7, "words": 3})
        journal.add({"judged_by": "other", "text": "d", "reward": 0.1, "words": 3})
    found = read_kept(folder, "rewards/x", 0, "me", ["reward", "words"])
    assert found == {"a": {"reward": 0.7, "words": 3}, "c": {"reward": None, "words": 1}}
    assert read_kept(folder, "rewards/x", 0, "other", ["reward"]).keys() == {"b", "d"}


def test_a_damaged_table_counts_as_none(folder):
    write(folder, [("a", "me", 0.5, 3)])
    path = folder.block_path("rewards/x", 0)
    path.write_bytes(path.read_bytes()[:-20])
    assert read_kept(folder, "rewards/x", 0, "me", ["reward"]) == {}


def test_no_rate_before_anything_is_read():
    assert Facts().counts()["tokens_per_second"] is None
    assert Facts(texts=1, tokens=50).counts()["tokens_read"] == 50
