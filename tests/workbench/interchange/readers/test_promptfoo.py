"""Made by promptfoo's ``src/types/index.ts`` and ``src/models/evalResult.ts``."""

import json

import pytest

from workbench.interchange.readers.find_files import find_files

LONG = "Answer the question below as well as you can, and give the number only: {{q}}"

DRAWN = {"temperature": 0.7, "max_tokens": 300, "top_p": 0.9}


def result(index, test, provider, output, success, *, question="2+2", **changes):
    return {
        "promptIdx": index, "testIdx": test, "success": success, "score": float(success),
        "provider": {"id": provider, "label": ""}, "vars": {"q": question},
        "prompt": {"raw": f"Q: {question}", "label": ["Q: {{q}}", LONG][index]},
        "response": {"output": output, "tokenUsage": {"completion": 3}, "finishReason": "stop"},
        "testCase": {"vars": {"q": question}, "assert": [{"type": "equals", "value": "4"}]},
    } | changes  # fmt: skip


def output(path, results, version=3, indent=None, name="eval-x"):
    """Write an output."""
    whole = {
        "evalId": name,
        "results": {
            "version": version, "results": results, "stats": {},
            "prompts": [{"raw": "Q: {{q}}", "label": "Q: {{q}}"}, {"raw": LONG, "label": LONG}],
        },
        "config": {"providers": ["openai:n", {"id": "openai:m", "config": DRAWN}]},
    }  # fmt: skip
    path.write_text(json.dumps(whole, indent=indent))
    return path


@pytest.mark.parametrize("indent", [None, 2])
def test_repeats_of_a_test_are_samples_of_one_problem(rows_of, tmp_path, indent):
    results = [
        result(0, 0, "openai:m", "4", True),
        result(0, 1, "openai:m", "5", False),  # the same test again: --repeat 2
        result(0, 2, "openai:m", {"n": 9}, True, question="3*3"),
        result(0, 3, "openai:m", "9", True, question="3*3", testCase={"assert": []}),
        result(0, 4, "openai:m", None, False, question="5", failureReason=2, error="no key"),
        result(0, 0, "openai:n", "4", True),
        result(1, 0, "openai:m", "4", True),
    ]
    path = output(tmp_path / "out.json", results, indent=indent)
    rows = rows_of(path, "model=openai:m", "prompt_style=Q: {{q}}", fmt="promptfoo")
    assert [(r.problem_id, r.problem, r.text, r.correct) for r in rows] == [
        ("test-0", "2+2", "4", True),
        ("test-0", "2+2", "5", False),
        ("test-2", "3*3", '{"n": 9}', True),
        ("test-3", "3*3", "9", None),  # without an assertion, nothing was tested
        ("test-4", "5", "", None),
    ]
    assert [(r.temperature, r.max_tokens, r.top_p) for r in rows] == [(0.7, 300, 0.9)] * 5
    assert (rows[0].num_tokens, rows[0].stop_reason) == (3, "stop")
    assert (rows[4].stop_reason, rows[4].error) == ("error", "no key")
    (other,) = rows_of(path, "model=openai:n")
    assert (other.temperature, other.max_tokens) == (None, None)
    (long,) = rows_of(path, "prompt_style=prompt 2")
    assert (long.problem_id, long.problem) == ("test-0", "2+2")


def test_a_newer_version_is_read_as_far_as_it_goes(rows_of, tmp_path, capfd):
    path = output(tmp_path / "new.json", [result(0, 0, "openai:m", "4", True)], version=9)
    assert [r.text for r in rows_of(path)] == ["4"]
    assert "new.json is of version 9 of promptfoo's output, and 2 and 3 are known" in (
        capfd.readouterr().err
    )
    with pytest.raises(ValueError, match=r"has no results\.results"):
        rows_of(output(path, []))


def test_scores_that_are_no_correctness_are_rewards_beside_it(rows_of, tmp_path, capfd):
    """By hand: 3 of 4 tests passed, as their ``success`` says, and none is worth what it scored."""
    scores = [(0.7, True), (0.4, False), (1, True), (0.5, True)]
    results = [
        result(0, i, "m", f"t{i}", passed, question=f"{i}", score=score,
               gradingResult={"pass": passed, "score": score, "reason": ""})
        for i, (score, passed) in enumerate(scores)
    ]  # fmt: skip
    del results[3]["success"]  # then its grading says it
    results.append(result(0, 4, "m", None, False, question="4", failureReason=2, error="e"))
    results.append(result(0, 5, "m", "t5", True, question="5", testCase={"vars": {"q": "5"}}))
    rows = rows_of(output(tmp_path / "marks.json", results))
    assert [r.correct for r in rows] == [True, False, True, True, None, None]
    assert [r.reward for r in rows] == [0.7, 0.4, 1, 0.5, None, None]
    said = "marks.json: scores from 0.4 to 1 are read as rewards; correctness is what each test"
    assert said in capfd.readouterr().err
    rows = rows_of(output(tmp_path / "plain.json", [result(0, 0, "m", "4", True)]))
    assert [(r.correct, r.reward) for r in rows] == [(True, None)]


def test_two_exports_of_an_evaluation_are_not_pooled(tmp_path):
    results = [result(0, 0, "m", "4", True)]
    one = output(tmp_path / "one.json", results, name="eval-1")
    output(tmp_path / "two.json", results, name="eval-2")
    assert len(find_files([tmp_path])[0]) == len(find_files([one, one, tmp_path])[0]) == 2
    output(tmp_path / "three.json", [*results, result(0, 1, "m", "5", False)], name="eval-1")
    with pytest.raises(ValueError, match=r"one\.json and .*three\.json are exports of the same ev"):
        find_files([tmp_path])


def test_what_an_export_left_out(rows_of, tmp_path):
    results = [
        result(0, i, "m", text, True, vars={}, testCase={"assert": [{"type": "is-json"}]})
        for i, text in enumerate(("{}", "[]"))
    ]
    rows = rows_of(output(tmp_path / "a.json", results))  # not two samples of one test
    assert [r.problem_id for r in rows] == ["test-0", "test-1"]
    results[1]["response"]["output"] = "[output stripped]"
    with pytest.raises(ValueError, match="result 2: its output was left out: export without"):
        rows_of(output(tmp_path / "a.json", results))


def test_lines_are_the_results_of_an_evaluation(rows_of, write_lines, tmp_path):
    one = {"provider": {"id": "m", "config": {"temperature": 0.4}}, "evalId": "eval-1"}
    results = [result(0, i, "m", f"t{i}", not i) | one for i in range(3)]
    for row in results:
        row["testCase"]["vars"] = row.pop("vars")  # as the records are that are written so
    path = write_lines("out.jsonl", results)
    rows = rows_of(path, fmt="promptfoo")
    assert [(r.problem_id, r.problem, r.text, r.correct) for r in rows] == [
        ("test-0", "2+2", f"t{i}", not i) for i in range(3)
    ]
    assert {(r.model, r.temperature, r.prompt_style) for r in rows} == {("m", 0.4, "Q: {{q}}")}
    output(tmp_path / "out.json", results, name="eval-1")
    with pytest.raises(ValueError, match=r"out\.json and .*out\.jsonl are exports of the same"):
        find_files([tmp_path])
