"""Files that lm_eval 0.4.13 wrote, changed copies of them, and older ones made by its source.

Opened were ``lm_eval/__main__.py``, ``evaluator.py`` and ``loggers/evaluation_tracker.py``.
"""

import json
from pathlib import Path

import pytest

from workbench.interchange.row_reader import RowReader
from workbench.interchange.sample_files import SampleFiles

FILES = Path(__file__).parents[3] / "files" / "lm-eval"
SUMS = next(FILES.glob("*/samples_sums_2*.jsonl"))
ONCE = next(FILES.glob("*/samples_sums_once_*.jsonl"))


def read(path, *where):
    reader = RowReader(SampleFiles.from_options([path], (), where))
    rows = [row for _, row in reader.rows()]
    reader.check(len(rows))
    return rows


def lines(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_repeats_of_a_real_file_are_samples_and_a_filter_says_their_answers():
    theirs = [line for line in lines(SUMS) if line["filter"] == "each"]
    rows = read(SUMS, "graded_by=each")
    assert [r.text for r in rows] == [text for line in theirs for text in line["resps"][0]]
    said = [answer for line in theirs for answer in line["filtered_resps"][0]]
    assert [r.answer for r in rows] == [None if a == "[invalid]" else a for a in said]
    assert [r.problem_id for r in rows] == [f"sum-{i}" for i in range(1, 7) for _ in range(4)]
    assert {(r.temperature, r.model) for r in rows} == {(0.7, "SmolLM2-135M-Instruct")}
    assert {(r.max_tokens, r.top_p) for r in rows} == {(40, None)}
    assert rows[0].problem == "What is 4 + 9?"
    assert {r.correct for r in rows} == {None}  # a metric of four is of none of them
    for line in theirs:  # it is their mean: what grading gives
        mine = [r for r in rows if r.problem_id == line["doc"]["id"]]
        right = [r.answer == r.gold == line["target"] for r in mine]
        assert sum(right) / 4 == line["exact_match"]


def test_a_filter_that_picks_one_of_the_repeats_gives_no_answers():
    rows = read(SUMS, "graded_by=first")
    assert len(rows) == 24
    assert {r.answer for r in rows} == {None}


def test_one_response_is_graded_by_its_metric():
    theirs = lines(ONCE)
    rows = read(ONCE)
    assert [r.correct for r in rows] == [line["exact_match"] == 1 for line in theirs]
    assert 0 < sum(r.correct for r in rows) < 6
    assert [r.answer for r in rows] == [line["filtered_resps"][0] for line in theirs]
    assert {(r.temperature, r.graded_by) for r in rows} == {(0.0, "first")}


def made(path, **changes):
    line = lines(ONCE)[0] | changes
    path.write_text(json.dumps({key: value for key, value in line.items() if value != "gone"}))
    return path


def test_several_metrics_are_several_gradings(tmp_path):
    path = made(tmp_path / "a.jsonl", metrics=["exact_match", "near", "f1"], near=1, f1=0.5)
    found = [(r.graded_by, r.correct) for r in read(path)]
    exact = lines(ONCE)[0]["exact_match"] == 1
    assert found == [("exact_match,first", exact), ("near,first", True)]


@pytest.mark.parametrize(
    ("settings", "temperature"),
    [
        ({"temperature": 0.6}, 0.6),
        ({"do_sample": False, "temperature": 0.6}, 0.0),
        ({"do_sample": True}, None),  # the model's own, which nobody wrote down
        ({}, 0.0),
    ],
)
def test_temperature_from_the_settings_of_the_request(tmp_path, settings, temperature):
    arguments = {"gen_args_0": {"arg_0": "Q", "arg_1": settings}}
    (row,) = read(made(tmp_path / "a.jsonl", arguments=arguments))
    assert row.temperature == temperature
    assert row.model is None  # the file's name says no date, so that no results belong to it


def test_problems_without_a_name_and_golds_that_are_solutions(tmp_path):
    doc = {"question": "?", "answer": "so\n#### 18"}
    name = "samples_gsm8k_2026-01-01T00-00-00.000001.jsonl"
    path = made(tmp_path / name, doc=doc, target=doc["answer"], doc_id=7)
    (row,) = read(path)
    assert (row.problem_id, row.problem, row.gold) == ("gsm8k-7", "?", "18")
    results = path.with_name("results_2026-01-01T00-00-00.000001.json")
    results.write_text("{")
    with pytest.raises(ValueError, match=r"results_2026.* is damaged"):
        read(path)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"resps": [[[-1.5, False]], [[-2, True]]]}, r"line 1: its responses are no sampled texts"),
        (
            {"target": "gone"},
            r"line 1: not in the known form of lm-eval 0.4 \(KeyError: 'target'\)",
        ),
        ({"arguments": [3]}, "line 1: not in the known form of lm-eval 0.4"),
    ],
)
def test_lines_of_another_make_are_named(tmp_path, changes, words):
    with pytest.raises(ValueError, match=words):
        read(made(tmp_path / "a.jsonl", **changes))


OLD = {"doc": {"question": "q0"}, "target": "4", "resps": [["The answer is 4."]],
       "filtered_resps": ["4"], "doc_hash": "a"}  # fmt: skip


def old(path, rows, gen=None, **results):
    """Write a file as before 0.4.7: no line names its filter, and they follow one another."""
    settings = {"temperature": 0.7, "do_sample": True} if gen is None else gen
    arguments = [["q0", settings]] if path.name.startswith("pre") else None
    arguments = arguments or {"gen_args_0": {"arg_0": "q0", "arg_1": settings}}
    lines = [json.dumps(OLD | {"arguments": arguments} | row) for row in rows]
    path.write_text("\n".join(lines))
    if results:
        date = path.stem.rpartition("_")[2]
        name = "results.json" if path.name.startswith("pre") else f"results_{date}.json"
        path.with_name(name).write_text(json.dumps(results))
    return path


TWO_FILTERS = [
    {"doc_id": doc, "exact_match": value}
    for value, doc in [(1.0, 0), (0.0, 1), (1.0, 0), (1.0, 1)]  # the second filter finds both
]


@pytest.mark.parametrize(
    ("name", "results", "model", "filters"),
    [
        ("samples_gsm8k_2024-05-01T00-00-00.000000.jsonl",
         {"model_name": "org/m", "configs": {"gsm8k": {"filter_list": [
             {"name": "strict-match", "filter": []}, {"name": "flexible-extract"}]}}},
         "org/m", ["strict-match", "flexible-extract"]),
        ("pretrained__org__m_gsm8k.jsonl",
         {"config": {"model_args": "dtype=float32,pretrained=org/m"}, "configs": {"gsm8k": {
             "filter_list": [{"name": "a"}, {"name": "b"}]}}}, "org/m", ["a", "b"]),
        ("samples_gsm8k_2024-05-01T00-00-00.000000.jsonl", {}, None, ["filter 1", "filter 2"]),
    ],
)  # fmt: skip
def test_files_of_before_0_4_7_whose_filters_follow_one_another(
    tmp_path, name, results, model, filters
):
    path = old(tmp_path / name, TWO_FILTERS, **results)
    for wanted, accuracy in zip(filters, (0.5, 1.0), strict=True):
        rows = read(path, f"graded_by={wanted}")
        assert [r.text for r in rows] == ["The answer is 4."] * 2
        assert sum(r.correct for r in rows) / 2 == accuracy
        assert {(r.temperature, r.model, r.gold, r.problem) for r in rows} == {
            (0.7, model, "4", "q0")
        }


def test_an_old_line_with_several_responses_has_no_correctness_of_its_own(tmp_path):
    both = [["The answer is 4.", "The answer is 5."]]
    name = "samples_old_2024-05-01T00-00-00.000000.jsonl"
    rows = read(old(tmp_path / name, [{"doc_id": 0, "exact_match": 1.0, "resps": both}]))
    assert [(r.text, r.correct, r.answer) for r in rows] == [(t, None, None) for t in both[0]]


@pytest.mark.parametrize(
    ("name", "results"),
    [
        (
            "samples_gsm8k_2024-05-01T00-00-00.000000.json",
            "results_2024-05-01T00-00-00.000000.json",
        ),
        ("pretrained__org__m_gsm8k.jsonl", "results.json"),
    ],
)
def test_files_of_before_lines_are_one_array(tmp_path, name, results):
    """Made by ``lm_eval/__main__.py`` and the first ``evaluation_tracker.py``: ``indent=2``."""
    arguments = [["q0", {"do_sample": False}]]
    rows = [OLD | {"arguments": arguments} | row for row in TWO_FILTERS]
    path = tmp_path / name
    path.write_text(json.dumps(rows, indent=2))
    (tmp_path / results).write_text(json.dumps({
        "model_name": "org/m",
        "configs": {"gsm8k": {"filter_list": [{"name": "a"}, {"name": "b"}]}},
    }))  # fmt: skip
    for wanted, accuracy in (("a", 0.5), ("b", 1.0)):
        found = read(tmp_path, f"graded_by={wanted}")  # and nothing that lies beside it
        assert len({row.problem_id for row in found}) == len(found) == 2
        assert sum(row.correct for row in found) / 2 == accuracy
        assert {(row.model, row.temperature) for row in found} == {("org/m", 0.0)}
