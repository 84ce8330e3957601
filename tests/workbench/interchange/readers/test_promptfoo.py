import json

import pytest

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


def output(path, results, version=3, indent=None):
    """Write an output, constructed from the schema."""
    whole = {
        "evalId": "eval-x",
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
