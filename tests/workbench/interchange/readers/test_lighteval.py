"""A file that lighteval 0.13.0 wrote, changed copies of it, and older ones made by its source.

Opened were older states of ``lighteval/logging/info_loggers.py`` (``Detail``) and of
``evaluation_tracker.py``, of which some write all columns as text.
"""

import json
import shutil
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from workbench.interchange.row_reader import RowReader
from workbench.interchange.sample_files import SampleFiles

FILES = Path(__file__).parents[3] / "files" / "lighteval"
SUMS = next(FILES.glob("details/*/*/details_sums|0_*.parquet"))


def read(path):
    reader = RowReader(SampleFiles.from_options([path]))
    rows = [row for _, row in reader.rows()]
    reader.check(len(rows))
    return rows


def theirs():
    return pq.read_table(SUMS).to_pylist()


def test_the_responses_of_a_real_file_are_samples():
    rows = read(SUMS)
    assert [r.text for r in rows] == [t for row in theirs() for t in row["model_response"]["text"]]
    assert [r.problem_id for r in rows] == [row["doc"]["id"] for row in theirs() for _ in range(4)]
    assert [r.gold for r in rows[::4]] == [row["doc"]["choices"][0] for row in theirs()]
    assert rows[0].problem.endswith(theirs()[0]["doc"]["query"])
    assert {(r.temperature, r.model) for r in rows} == {(0.7, "SmolLM2-135M-Instruct")}
    assert {(r.max_tokens, r.top_p) for r in rows} == {(40, None)}
    assert {(r.correct, r.answer, r.graded_by) for r in rows} == {(None, None, None)}
    # counts of tokens are padded: these texts are not of 40 tokens each
    assert {len(t) for row in theirs() for t in row["model_response"]["output_tokens"]} == {40}
    assert {r.num_tokens for r in rows} == {None}


def made(path, **changes):
    row = theirs()[0] | changes
    pq.write_table(pa.Table.from_pylist([row]), path)
    return path


def test_one_response_is_graded_by_its_metrics(tmp_path):
    path = tmp_path / "details_a|0_2026.parquet"
    response = theirs()[0]["model_response"] | {"text": ["7"]}
    (row,) = read(made(path, model_response=response, metric={"em": 1.0, "f1": 0.5}))
    assert (row.correct, row.graded_by, row.temperature, row.model) == (True, "em", None, None)
    two = read(made(path, model_response=response, metric={"em": 1, "qem": 0}))
    assert [(r.graded_by, r.correct) for r in two] == [("em", True), ("qem", False)]
    (row,) = read(made(path, model_response=response, metric={"f1": 0.5}))
    assert (row.correct, row.graded_by) == (None, None)


def test_rows_of_choices_and_results_that_are_damaged(tmp_path):
    response = theirs()[0]["model_response"] | {"text": []}
    with pytest.raises(ValueError, match="row 1: it has no generated text but the log-likelihoods"):
        read(made(tmp_path / "a.parquet", model_response=response))
    with pytest.raises(ValueError, match="row 1: not in the known form of lighteval"):
        read(made(tmp_path / "a.parquet", doc={"query": "?"}))
    shutil.copytree(FILES, tmp_path / "out")
    for path in (tmp_path / "out" / "results").glob("*/*.json"):
        path.write_text("{}")
    with pytest.raises(ValueError, match=r"results_2026.*\.json is damaged"):
        read(tmp_path / "out")


OLD = {
    "example": "2+2?", "full_prompt": "Answer. 2+2?", "instruction": "", "choices": ["4"],
    "predictions": ["It's 4."], "gold": ["4"], "gold_index": [0], "metrics": {"qem": 1.0},
}  # fmt: skip


@pytest.mark.parametrize("is_text", [True, False])
def test_older_files(tmp_path, is_text):
    rows = [OLD, OLD | {"example": "3*3?", "gold": ["9", "nine"], "metrics": {"qem": 0.0}}]
    if is_text:
        rows = [{name: str(value) for name, value in row.items()} for row in rows]
    path = tmp_path / "details" / "org" / "m" / "D" / "details_sums|0_D.parquet"
    path.parent.mkdir(parents=True)
    pq.write_table(pa.Table.from_pylist(rows), path)
    results = tmp_path / "results" / "org" / "m" / "results_D.json"
    results.parent.mkdir(parents=True)
    results.write_text(json.dumps({"config_general": {"model_name": "org/m"}}))
    found = read(path)
    assert [(r.problem_id, r.text, r.gold, r.correct) for r in found] == [
        ("2+2?", "It's 4.", "4", True), ("3*3?", "It's 4.", None, False),
    ]  # fmt: skip
    assert {(r.graded_by, r.model, r.temperature) for r in found} == {("qem", "org/m", None)}
    for predictions, words in [("[-1.5, -2.0]", "no generated text"), ("[", "predictions: cannot")]:
        pq.write_table(pa.Table.from_pylist([rows[0] | {"predictions": predictions}]), path)
        with pytest.raises(ValueError, match=words):
            read(path)
