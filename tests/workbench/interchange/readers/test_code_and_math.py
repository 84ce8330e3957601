"""Formats of which no package writes files: these are made by the source that writes them.

Qwen2.5-Math's ``evaluation/math_eval.py``, NeMo-Skills' ``nemo_skills/evaluation/metrics/utils.py``
and LiveCodeBench's ``lcb_runner/benchmarks/*.py`` and ``runner/custom_evaluator.py`` were opened.
"""

import json

import pytest

from workbench.interchange.import_preview import preview
from workbench.interchange.readers.find_files import find_files
from workbench.interchange.sample_files import SampleFiles

MATH = [
    {"idx": i, "question": f"q{i}", "gt_cot": "so 4", "gt": "4", "code": ["is 4", "is 5", "?"],
     "pred": ["4", "5", ""], "report": [None, None, None], "score": score}
    for i, score in enumerate([[True, False, False], [True, True, False]])
]  # fmt: skip


def test_lists_of_qwen_math_and_the_temperature_in_its_name(rows_of, write_lines):
    path = write_lines("gsm8k/test_qwen25-math-cot_-1_seed0_t0.6_s0_e-1.jsonl", MATH)
    rows = rows_of(path, fmt="qwen-math")
    assert [r.correct for r in rows] == [True, False, False, True, True, False]
    assert [(r.problem_id, r.text, r.answer) for r in rows[:3]] == [
        ("gsm8k-0", "is 4", "4"), ("gsm8k-0", "is 5", "5"), ("gsm8k-0", "?", None),
    ]  # fmt: skip
    assert {(r.gold, r.temperature) for r in rows} == {("4", 0.6)}
    assert {r.reward for r in rows} == {None}
    scored = [row | {"pred_score": [[0.9], [0.1], [0.5]]} for row in MATH]
    rows = rows_of(write_lines("gsm8k/math_cot_100.jsonl", scored))
    assert [r.reward for r in rows] == [0.9, 0.1, 0.5] * 2
    write_lines("gsm8k/math_cot_100.jsonl", [MATH[0] | {"pred_score": [[1, 2], [3], [4]]}])
    with pytest.raises(ValueError, match="line 1: pred_score must have a list of one reward"):
        rows_of(path.with_name("math_cot_100.jsonl"))
    write_lines(f"gsm8k/{path.name}", [MATH[0] | {"score": [True]}])
    with pytest.raises(ValueError, match="line 1: there are 1 of correct for 3 of code"):
        rows_of(path)


NEMO = {"problem": "2+2?", "expected_answer": "4", "generation": "so 4", "predicted_answer": "4",
        "symbolic_correct": True, "num_generated_tokens": 7}  # fmt: skip


def test_seeds_of_nemo_skills_are_samples_of_the_same_problems(rows_of, write_lines):
    seeds = [
        write_lines(f"eval/output-rs{seed}.jsonl", [
            NEMO | {"symbolic_correct": seed == 0}, NEMO | {"problem": "3*3?", "id": "nine"},
        ])
        for seed in (0, 1)
    ]  # fmt: skip
    rows = [row for path in seeds for row in rows_of(path, fmt="nemo-skills")]
    assert rows[0].problem_id == rows[2].problem_id != "nine"
    assert [(r.problem, r.correct) for r in rows] == [
        ("2+2?", True), ("3*3?", True), ("2+2?", False), ("3*3?", True),
    ]  # fmt: skip
    assert (rows[1].problem_id, rows[0].num_tokens, rows[0].gold) == ("nine", 7, "4")
    one = write_lines("one.jsonl", [NEMO | {"serialized_output": [{"role": "assistant"}]}])
    assert [r.text for r in rows_of(one, fmt="nemo-skills")] == ["so 4"]


def test_a_judge_of_nemo_skills_is_a_second_grader(rows_of, write_lines):
    said = {
        "Reasoning: no.\nJudgement: Yes": True, "Judgement: No": False, "I cannot say": None,
        "**Judgement**: no, as 5": False, "**judgement:** YES": True,
        r"so \boxed{Incorrect}": False, r"\boxed{Correct}": True,
    }  # fmt: skip
    rows = [
        NEMO | {"id": str(i), "judgement": text, "reward_model_score": 0.25}
        for i, text in enumerate(said)
    ]
    path = write_lines("output.jsonl", rows)
    found = rows_of(path, "graded_by=judgement")
    assert [r.correct for r in found] == [*said.values()]
    assert {r.reward for r in found} == {0.25}
    assert [r.correct for r in rows_of(path, "graded_by=symbolic_correct")] == [True] * len(said)


@pytest.mark.parametrize(("indent", "before"), [(None, ""), (4, "Scenario.")])
def test_grades_of_livecodebench_and_what_its_path_says(rows_of, tmp_path, indent, before):
    row = {"question_id": "abc", "question_content": "Add.", "output_list": ["```1```", "```2```"],
           "code_list": ["1", "2"], "graded_list": [True, False], "pass@1": 0.5}  # fmt: skip
    home = tmp_path / "GPT-4"
    home.mkdir()
    path = home / f"{before}codegeneration_2_0.2_eval_all.json"
    path.write_text(json.dumps([row, row | {"question_id": "abd"}], indent=indent))
    plain = home / f"{before}codegeneration_2_0.2.json"
    del row["graded_list"]
    plain.write_text(json.dumps([row], indent=indent))
    rows = rows_of(path, fmt="livecodebench")
    assert [(r.problem_id, r.text, r.correct) for r in rows[:2]] == [
        ("abc", "```1```", True), ("abc", "```2```", False),
    ]  # fmt: skip
    assert sum(r.correct for r in rows) / len(rows) == row["pass@1"]
    assert {(r.model, r.temperature, r.problem) for r in rows} == {("GPT-4", 0.2, "Add.")}
    assert [r.correct for r in rows_of(plain)] == [None, None]
    assert find_files([tmp_path]) == ((path,), "livecodebench")


RIGHT = [True, False]
EXECUTION = {"code": "def f(n): return n + 1", "input": "f(1)", "output": "2"}


@pytest.mark.parametrize(
    ("rows", "problems", "questions", "answers"),
    [
        (  # the tests of a question are problems of their own
            [{"test_id": i, "question_content": "?", "pred_list": [str(i), "?"]} for i in (0, 1)],
            ["q-test-0", "q-test-1"], ["?", "?"], ["0", "?", "1", "?"],
        ),
        (  # and so are the runs of a program
            [{"id": f"sample_{i}", "pred_list": ["2", f"{i}"]} | EXECUTION for i in (0, 1)],
            ["sample_0", "sample_1"], ["def f(n): return n + 1\nf(1)"] * 2, ["2", "0", "2", "1"],
        ),
        ([{"code_list": ["1", "2"]}], ["q"], [None], [None, None]),  # a packed row
    ],
)  # fmt: skip
def test_the_other_scenarios_of_livecodebench_and_packed_rows(
    rows_of, tmp_path, rows, problems, questions, answers
):
    whole = [
        {"question_id": "q", "graded_list": RIGHT, "pass@1": 0.5}
        | ({} if "code_list" in row else {"output_list": ["so 1", "so 2"]})
        | row
        for row in rows
    ]
    path = tmp_path / "testoutputprediction_2_0.2_cot_eval_all.json"
    path.write_text(json.dumps(whole, indent=4))
    found = rows_of(path, fmt="livecodebench")
    assert [r.problem_id for r in found] == [name for name in problems for _ in RIGHT]
    assert [r.problem for r in found[::2]] == questions
    assert [r.answer for r in found] == answers
    assert [r.correct for r in found] == RIGHT * len(rows)
    assert {r.temperature for r in found} == {0.2}
    path.write_text(json.dumps([whole[0] | {"graded_list": [True]}]))
    with pytest.raises(ValueError, match="row 1: there are 1 of correct for 2 outputs"):
        rows_of(path)


def test_rows_without_a_sample_are_counted(tmp_path):
    rows = [{"question_id": i, "code_list": ["1"] * i, "graded_list": [True] * i} for i in range(3)]
    path = tmp_path / "a.json"
    path.write_text(json.dumps(rows))
    said = preview(SampleFiles.from_options([path]))
    assert "3 samples of 2 problems" in said
    assert "no samples    in 1 rows" in said
