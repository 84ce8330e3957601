"""Made by the source, ``src/sal/config.py``, ``search/best_of_n.py`` and ``utils/score.py``."""

import json
import shutil
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from workbench.interchange.row_reader import RowReader
from workbench.interchange.sample_files import SampleFiles

FILES = Path(__file__).parents[3] / "files" / "search-and-learn"
(FILE,) = FILES.glob("*/best_of_n_completions.jsonl")


def read(path):
    reader = RowReader(SampleFiles.from_options([path]))
    rows = [row for _, row in reader.rows()]
    reader.check(len(rows))
    return rows


def theirs():
    return [json.loads(line) for line in FILE.read_text().splitlines()]


def test_completions_are_samples_and_the_last_step_score_is_their_reward():
    rows = read(FILE)
    assert [r.text for r in rows] == [text for row in theirs() for text in row["completions"]]
    assert [r.reward for r in rows] == [score for row in theirs() for score in row["agg_scores"]]
    assert [r.num_tokens for r in rows] == [20, 8, 14, 4] * 3
    assert [r.gold for r in rows[::4]] == ["13", "5", "9"]
    assert rows[4].problem_id == "test/prealgebra/1.json"
    assert rows[4].problem == "What is 2 + 3?"
    assert {(r.temperature, r.top_p) for r in rows} == {(0.8, 1.0)}  # the revision's name
    assert {r.correct for r in rows} == {None}


def test_the_same_as_parquet_and_without_a_revision(tmp_path):
    path = tmp_path / "train-00000-of-00001.parquet"
    pq.write_table(pa.Table.from_pylist(theirs()), path)
    there = [vars(row) | {"temperature": 0.8, "top_p": 1.0} for row in read(path)]
    assert there == [vars(row) for row in read(FILE)]
    shutil.copy(FILE, tmp_path / "a.jsonl")
    assert {r.temperature for r in read(tmp_path / "a.jsonl")} == {None}


def made(path, **changes):
    path.write_text(json.dumps(theirs()[0] | changes))
    return path


def test_what_a_row_may_lack(tmp_path):
    path = made(tmp_path / "a.jsonl", unique_id=None, completion_tokens=-1, answer=None,
                scores=[0.5, [0.25], [], 1])  # fmt: skip
    rows = read(path)
    assert [r.reward for r in rows] == [0.5, 0.25, None, 1]
    assert {(r.problem_id, r.num_tokens, r.gold) for r in rows} == {("problem-0", None, None)}


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"scores": [[0.5]]}, "line 1: scores: there are 1 for 4 completions"),
        ({"scores": [[3.5]] * 4}, r"line 1, completion 1: reward: 3.5 is not a probability"),
        ({"scores": 4}, "line 1: not in the known form of search-and-learn"),
    ],
)
def test_rows_of_another_make_are_named(tmp_path, changes, words):
    with pytest.raises(ValueError, match=words):
        read(made(tmp_path / "a.jsonl", **changes))
