"""Formats with the marks of judges: no package writes them here, so they are made by their source.

Opened were FastChat's ``llm_judge/common.py`` and ``gen_judgment.py``; alpaca_eval's README; Every
Eval Ever's ``instance_level_eval.schema.json`` and samples of its own; simple-evals' ``common.py``
(``HTML_JINJA``) and ``simple_evals.py``; and Weave's ``evaluation/eval.py``.
"""

import html
import json

import pytest

from workbench.interchange.readers.find_files import find_files


def test_marks_of_mt_bench_are_rewards_of_the_first_choice(rows_of, write_lines, tmp_path):
    choices = [{"index": i, "turns": [f"one {i}", f"two {i}"]} for i in (0, 1)]
    path = write_lines("mt/model_answer/m.jsonl", [
        {"question_id": 81, "answer_id": "x", "model_id": "m", "choices": choices, "tstamp": 1.0}
    ])  # fmt: skip
    assert {(r.reward, r.problem) for r in rows_of(path, fmt="mt-bench")} == {(None, None)}
    write_lines("mt/question.jsonl", [{"question_id": 81, "category": "c", "turns": ["1?", "2?"]}])
    write_lines("mt/model_judgment/gpt-4_single.jsonl", [
        {"question_id": 81, "model": model, "judge": ["gpt-4", "single-v1"], "turn": turn,
         "score": score} for model, turn, score in [("m", 1, 8), ("m", 2, -1), ("other", 2, 3)]
    ])  # fmt: skip
    rows = rows_of(path)
    assert [(r.problem_id, r.problem, r.text, r.reward, r.correct) for r in rows] == [
        ("81-turn-1", "1?", "one 0", 0.8, None), ("81-turn-2", "2?", "two 0", None, None),
        ("81-turn-1", "1?", "one 1", None, None), ("81-turn-2", "2?", "two 1", None, None),
    ]  # fmt: skip
    assert {(r.model, r.graded_by) for r in rows} == {("m", "gpt-4")}
    reference = write_lines("mt/reference_answer/gpt-4.jsonl", [
        {"question_id": 81, "model_id": "gpt-4", "choices": choices}
    ])  # fmt: skip
    assert find_files([tmp_path]) == ((path,), "mt-bench")
    assert find_files([reference.parent]) == ((reference,), "mt-bench")


def test_comparisons_of_mt_bench_are_counted_and_what_its_judgments_lack_is_named(
    rows_of, write_lines, tmp_path, capfd
):
    choices = [{"index": 0, "turns": ["one", {"content": "two", "token_len": 1}]}]
    path = write_lines("mt/model_answer/m.jsonl", [
        {"question_id": 81, "model_id": "m", "choices": choices}
    ])  # fmt: skip
    write_lines("mt/model_judgment/gpt-4_pair.jsonl", [
        {"question_id": 81, "model_1": "m", "model_2": other, "g1_winner": "tie",
         "g2_winner": "model_1", "judge": ["gpt-4", "pair-v2"], "turn": 1} for other in "no"
    ])  # fmt: skip
    assert [(r.text, r.reward) for r in rows_of(path)] == [("one", None), ("two", None)]
    assert find_files([tmp_path]) == ((path,), "mt-bench")
    assert "gpt-4_pair.jsonl: its 2 comparisons of two models' answers are not read" in (
        capfd.readouterr().err
    )
    write_lines("mt/model_judgment/gpt-4_single.jsonl", [{"question_id": 81, "score": 5}])
    with pytest.raises(ValueError, match=r"gpt-4_single\.jsonl, line 1: .* \(no model\)"):
        rows_of(path)


def test_a_preference_of_alpaca_eval_is_a_reward(rows_of, tmp_path):
    home = tmp_path / "m" / "annotator"
    home.mkdir(parents=True)
    outputs = [{"instruction": f"do {i}", "output": f"done {i}", "generator": "m", "dataset": "d"}
               for i in range(4)]  # fmt: skip
    (home.parent / "model_outputs.json").write_text(json.dumps(outputs, indent=2))
    preferences = [1.0, 1.75, 0, None]
    annotations = [
        {"instruction": one["instruction"], "output_1": "base", "generator_1": "gpt4",
         "output_2": one["output"], "generator_2": "m", "annotator": "a", "preference": preference}
        for one, preference in zip(outputs, preferences, strict=True)
    ]  # fmt: skip
    (home / "annotations.json").write_text(json.dumps(annotations))
    plain = rows_of(home.parent / "model_outputs.json", fmt="alpaca-eval")
    rows = rows_of(home / "annotations.json", fmt="alpaca-eval")
    for found in (plain, rows):
        assert [(r.problem, r.text, r.model, r.correct) for r in found] == [
            (f"do {i}", f"done {i}", "m", None) for i in range(4)
        ]
    assert [r.problem_id for r in plain] == [r.problem_id for r in rows]
    assert [r.reward for r in rows] == [0, 0.75, 0.5, None]
    assert find_files([tmp_path])[0] == (home / "annotations.json",)


def instance(name, score, **changes):
    return {
        "schema_version": "instance_level_eval_0.2.2", "evaluation_id": "e", "model_id": "org/m",
        "evaluation_name": "sums", "sample_id": name, "interaction_type": "single_turn",
        "input": {"raw": "2+2?", "reference": ["4"]}, "output": {"raw": ["It is 4."]},
        "answer_attribution": [{"extracted_value": "4", "is_terminal": True}],
        "evaluation": {"score": score, "is_correct": score >= 1},
    } | changes  # fmt: skip


def test_samples_of_every_eval_ever(rows_of, write_lines, tmp_path, capfd):
    chat = [{"role": "user", "content": "2+2?"}, {"role": "assistant", "content": "4, I think."}]
    path = write_lines("u_samples.jsonl", [
        instance("a", 1.0, output={"raw": ["It is 4."], "reasoning_trace": ["2 and 2"]},
                 token_usage={"input_tokens": 9, "output_tokens": 7, "total_tokens": 16}),
        instance("b", 0.0, output={"raw": "5"}),
        instance("c", 1, output=None, messages=chat, schema_version="0.9.0"),
        instance("d", 1, input={"raw": "Which?", "reference": ["B"], "choices": ["x", "y"]}),
    ])  # fmt: skip
    drawn = {"temperature": 0.3, "max_tokens": 9}
    args, more = (
        {"generation_config": {"generation_args": own}} for own in (drawn, drawn | {"top_p": 1.0})
    )
    (tmp_path / "u.json").write_text(json.dumps({"evaluation_results": [args, more]}))
    rows = rows_of(path, fmt="every-eval-ever")
    assert [(r.text, r.correct) for r in rows] == [
        ("It is 4.", True), ("5", False), ("4, I think.", True), ("It is 4.", True),
    ]  # fmt: skip
    assert {(r.temperature, r.model, r.answer) for r in rows} == {(0.3, "org/m", "4")}
    assert {(r.max_tokens, r.top_p) for r in rows} == {(9, None)}
    assert (rows[0].gold, rows[3].problem) == ("4", "Which?\nA) x\nB) y")
    assert (rows[0].thought, rows[0].num_tokens, rows[1].thought) == ("2 and 2", 7, None)
    assert "u_samples.jsonl has rows of schema 0.9.0" in capfd.readouterr().err
    write_lines(path.name, [instance("a", 1.0), instance("b", 7.0)])
    assert [(r.correct, r.reward, r.gold) for r in rows_of(path)] == [
        (None, 0.1, None), (None, 0.7, None),
    ]  # fmt: skip
    assert "the scorer 'sums' gives marks from 1 to 7" in capfd.readouterr().err
    picture = {"raw": ["<image:0>"], "media": [{"media_type": "image", "uri": "file://0.png"}]}
    write_lines(path.name, [instance("a", 0.75, output=picture)])
    with pytest.raises(ValueError, match="line 1: its outputs are media, such as pictures"):
        rows_of(path)


PAGE = "<h3>Results</h3>\n<p>Correct Answer: {}</p>\n<p>Extracted Answer: {}</p>\n<p>Score: {}</p>"


@pytest.mark.parametrize("indent", [None, 2])
def test_conversations_of_simple_evals_and_what_their_pages_show(rows_of, tmp_path, indent):
    samples = [
        ("2<3?", "yes", "yes &amp; no", 0.0),
        ("2<3?", "yes", "yes", 1.0),
        ("?", "4", "None", 0.0),
    ]
    pages = [PAGE.format(html.escape(gold), answer, score) for _, gold, answer, score in samples]
    whole = {
        "score": 1 / 3, "metrics": {"chars": 9.0},
        "htmls": pages,
        "convos": [[{"role": "user", "content": question},
                    {"role": "assistant", "content": f"Answer: {number}"}]
                   for number, (question, *_) in enumerate(samples)],
        "metadata": None,
    }  # fmt: skip
    path = tmp_path / "healthbench_hard_gpt-4o_x_20250101_120000_allresults.json"
    path.write_text(json.dumps(whole, indent=indent))
    rows = rows_of(path, fmt="simple-evals")
    assert [(r.problem_id, r.problem, r.text, r.gold, r.answer) for r in rows] == [
        ("problem-0", "2<3?", "Answer: 0", "yes", "yes & no"),
        ("problem-0", "2<3?", "Answer: 1", "yes", "yes"),
        ("problem-1", "?", "Answer: 2", "4", None),
    ]
    assert sum(r.correct for r in rows) / 3 == whole["score"]
    assert {r.model for r in rows} == {"gpt-4o_x"}
    unnamed = path.rename(tmp_path / "other_allresults.json")
    assert {r.model for r in rows_of(unnamed)} == {None}


def call(question, output, **scores):
    return {
        "id": "x", "op_name": "weave:///e/p/op/Evaluation.predict_and_score:hash",
        "inputs": {"example": {"question": question, "expected": "4"}, "model": "weave:///m:1"},
        "output": {"output": output, "scores": scores, "model_latency": 0.1}, "exception": None,
    }  # fmt: skip


def test_calls_of_weave_are_samples_and_each_score_a_grading(rows_of, write_lines, capfd):
    path = write_lines("calls.jsonl", [
        call("2+2?", "4", match={"correct": True}, style={"mark": 7, "reason": "short"}),
        {"op_name": "weave:///e/p/op/Model.predict:h", "inputs": {}, "output": "4"},
        call("2+2?", {"answer": 5}, match={"correct": False}, style={"mark": 10, "reason": "?"}),
        call("?", None) | {"output": None, "exception": "timed out"},
    ])  # fmt: skip
    rows = rows_of(path, "graded_by=match.correct", fmt="weave")
    assert [(r.problem, r.text, r.correct, r.stop_reason) for r in rows] == [
        ("2+2?", "4", True, None), ("2+2?", '{"answer": 5}', False, None), ("?", "", None, "error"),
    ]  # fmt: skip
    assert rows[0].problem_id == rows[1].problem_id != rows[2].problem_id
    assert {(r.model, r.gold) for r in rows} == {("weave:///m:1", "4")}
    rows = rows_of(path, "graded_by=style.mark")
    assert [(r.correct, r.reward, r.gold) for r in rows] == [
        (None, 0.7, None), (None, 1.0, None), (None, None, None),
    ]  # fmt: skip
    assert "the scorer 'style.mark' gives marks from 7 to 10" in capfd.readouterr().err
    old = call("?", None, match={"correct": True})
    old["output"]["model_output"] = old["output"].pop("output") or "by its older name"
    write_lines("calls.jsonl", [old, call("2+2?", None)])  # the second: a model that raised
    rows = rows_of(path)
    assert [(r.text, r.correct, r.stop_reason) for r in rows] == [
        ("by its older name", True, None), ("", None, "error"),
    ]  # fmt: skip
    assert rows[1].error == "the call of the model failed"
    write_lines("calls.jsonl", [{"op_name": "other", "inputs": {}, "output": ""}])
    with pytest.raises(ValueError, match=r"has no call of Evaluation\.predict_and_score"):
        rows_of(path)
