"""Cached values are found in a table or a journal, if they are of the same model."""

from contextlib import nullcontext

import pyarrow as pa
import pytest

from workbench.rewards.block_step import BlockStep
from workbench.rewards.model_step import (
    BlockTexts,
    ModelStep,
    Throughput,
    journal_path,
    read_cached,
)
from workbench.storage.journal import Journal
from workbench.storage.parquet import read_table, write_table


@pytest.fixture
def folder(open_run):
    return open_run()


def write(folder, rows):
    names = ("text_hash", "judged_by", "reward", "words")
    table = pa.table({name: [row[i] for row in rows] for i, name in enumerate(names)})
    write_table(folder.block_path("rewards/x", 0), table, "made")


def test_the_table_and_the_journal_are_read_and_the_journal_is_later(folder):
    assert read_cached(folder, "rewards/x", 0, "me", ["reward"]) == {}
    write(folder, [("a", "me", 0.5, 3), ("b", "other", 0.6, 4), (None, "me", None, None)])
    with Journal(journal_path(folder, "rewards/x", 0)) as journal:
        journal.add({"judged_by": "me", "text": "c", "reward": None, "words": 1})
        journal.add({"judged_by": "me", "text": "a", "reward": 0.7, "words": 3})
        journal.add({"judged_by": "other", "text": "d", "reward": 0.1, "words": 3})
    found = read_cached(folder, "rewards/x", 0, "me", ["reward", "words"])
    assert found == {"a": {"reward": 0.7, "words": 3}, "c": {"reward": None, "words": 1}}
    assert read_cached(folder, "rewards/x", 0, "other", ["reward"]).keys() == {"b", "d"}


def test_a_damaged_table_counts_as_none(folder):
    write(folder, [("a", "me", 0.5, 3)])
    path = folder.block_path("rewards/x", 0)
    path.write_bytes(path.read_bytes()[:-20])
    assert read_cached(folder, "rewards/x", 0, "me", ["reward"]) == {}


def test_no_rate_before_anything_is_read():
    throughput = Throughput(start=0.0)
    assert throughput.count(0) == {"texts_judged": 0, "tokens_read": 0, "tokens_per_second": None}
    entries = throughput.count(50)
    assert (entries["texts_judged"], entries["tokens_read"]) == (1, 50)
    assert throughput.count(0)["texts_judged"] == 1


class Lengths:
    """A stand-in for a model: the value of a text is its length; it counts what it is asked."""

    def __init__(self, fails_after=None):
        self.asked = []
        self.fails_after = fails_after

    def judge(self, texts):
        for name, text in texts.items():
            if len(self.asked) == self.fails_after:
                raise ValueError("the model is gone")
            self.asked.append(text)
            yield name, {"length": len(text)}, None


def run_step(folder, model, texts, judged_by="me"):
    """Run a step over one block of texts, where None is a failed sample."""
    step = BlockStep(folder, "x", "rewards/x", {0: f"{judged_by} {texts}"})
    key = {
        "problem_id": ["p"] * len(texts),
        "condition": ["T1"] * len(texts),
        "temperature": [1.0] * len(texts),
    }
    samples = pa.table({**key, "sample_index": list(range(len(texts)))})
    hashes = [text and f"hash of {text}" for text in texts]
    model_step = ModelStep(
        step=step,
        judged_by=judged_by,
        columns={"length": pa.int64()},
        read_texts=lambda block: BlockTexts(samples, hashes, texts),
        open_model=lambda: nullcontext(model),
        judge=Lengths.judge,
    )
    outdated = step.outdated_blocks()
    if outdated is not None:
        with step.running() as entry:
            model_step.run(outdated, entry, "to measure")
    return read_table(folder.block_path("rewards/x", 0)).column("length").to_pylist()


def test_each_text_is_judged_once_and_a_failed_sample_never(folder, capsys):
    model = Lengths()
    assert run_step(folder, model, ["abc", None, "a", "abc"]) == [3, None, 1, 3]
    assert model.asked == ["abc", "a"]
    assert "x: 2 texts to measure" in capsys.readouterr().err
    assert not journal_path(folder, "rewards/x", 0).exists()

    again = Lengths()
    assert run_step(folder, again, ["abc", None, "a", "abc"]) == [3, None, 1, 3]
    assert again.asked == []
    assert "x: up to date" in capsys.readouterr().err

    more = Lengths()
    assert run_step(folder, more, ["abc", "ab"]) == [3, 2]
    assert more.asked == ["ab"]
    other = Lengths()
    assert run_step(folder, other, ["abc", "ab"], judged_by="you") == [3, 2]
    assert other.asked == ["abc", "ab"]


def test_an_interrupted_step_goes_on_with_the_texts_that_are_missing(folder):
    with pytest.raises(ValueError, match="the model is gone"):
        run_step(folder, Lengths(fails_after=2), ["a", "bb", "ccc"])
    assert folder.manifest.stage("x")["status"] == "interrupted"
    model = Lengths()
    assert run_step(folder, model, ["a", "bb", "ccc"]) == [1, 2, 3]
    assert model.asked == ["ccc"]
    assert folder.manifest.stage("x")["status"] == "done"
