"""One file is written by classes of vLLM; the others are made by their schema and by OpenAI's."""

from pathlib import Path

import pytest

from workbench.interchange.readers.find_files import find_files

FILES = Path(__file__).parents[3] / "files" / "batch"


def test_what_vllm_writes(rows_of):
    rows = rows_of(FILES, fmt="batch")  # the requests are beside the results
    assert [(r.problem_id, r.problem, r.text, r.seed) for r in rows] == [
        ("request-0", "What is 2 + 2?", "It is 4.", 0),
        ("request-0", "What is 2 + 2?", "It is 5.", 1),
        ("request-2", "What is 3 * 3?", "It is 9.", 2),
        ("request-2", "What is 3 * 3?", "", 3),
    ]
    assert [r.token_logprobs for r in rows] == [[-0.5] * 3] * 3 + [None]
    assert rows[3].error == "Request must not be sent in stream mode"
    assert {(r.model, r.temperature) for r in rows} == {("org/m", 0.7)}


def request(name, prompt, **body):
    messages = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": prompt}]
    whole = {"model": "m", "messages": messages, "temperature": 0.7} | body
    return {"custom_id": name, "method": "POST", "url": "/v1/chat/completions", "body": whole}


def response(name, *texts, **changes):
    choices = [{"index": i, "finish_reason": "stop", "message": {"role": "assistant", "content": t}}
               for i, t in enumerate(texts)]  # fmt: skip
    body = {"model": "m-2024", "choices": choices, "usage": {"completion_tokens": 5}} | changes
    return {"id": "b", "custom_id": name, "error": None,
            "response": {"status_code": 200, "request_id": "r", "body": body}}  # fmt: skip


def test_requests_with_the_same_prompt_are_samples_of_one_problem(rows_of, write_lines):
    path = write_lines("results.jsonl", [
        response("b-0", "9"),  # in another order than they were asked for
        response("a-0", "4"), response("a-1", "5", "6"),
        {"id": "b", "custom_id": "b-1", "response": None, "error": {"message": "too many"}},
    ])  # fmt: skip
    write_lines("requests.jsonl", [
        request("a-0", "2+2"), request("a-1", "2+2", n=2, seed=1),
        request("b-0", "3*3", max_tokens=9),
        request("b-1", "3*3", max_completion_tokens=7, top_p=0.9),
    ])  # fmt: skip
    write_lines("others.jsonl", [request("c", "?")])
    rows = rows_of(path, fmt="batch")
    assert [(r.problem_id, r.problem, r.text, r.stop_reason) for r in rows] == [
        ("b-0", "3*3", "9", "stop"), ("a-0", "2+2", "4", "stop"), ("a-0", "2+2", "5", "stop"),
        ("a-0", "2+2", "6", "stop"), ("b-0", "3*3", "", "error"),
    ]  # fmt: skip
    assert {r.temperature for r in rows} == {0.7}
    assert [r.max_tokens for r in rows] == [9, None, None, None, 7]
    assert [r.top_p for r in rows] == [None, None, None, None, 0.9]
    assert [r.num_tokens for r in rows] == [5, 5, None, None, None]  # of two choices together
    assert (rows[0].model, rows[4].error) == ("m-2024", "too many")
    assert find_files([path.parent]) == ((path,), "batch")


def test_without_the_requests_each_answer_is_of_a_problem_of_its_own(rows_of, write_lines, capfd):
    path = write_lines("out.jsonl", [response("a-0", "4"), response("a-1", "5")])
    rows = rows_of(path)
    assert [(r.problem_id, r.problem, r.temperature) for r in rows] == [
        ("a-0", None, None), ("a-1", None, None),
    ]  # fmt: skip
    assert "no file beside it has the request 'a-0'" in capfd.readouterr().err


def test_the_bodies_of_the_other_apis(rows_of, write_lines):
    tokens = {"content": [{"token": "4", "logprob": -0.5}, {"token": ".", "logprob": -0.25}]}
    chat = {"message": {"content": "4.", "reasoning_content": "two and two"},
            "finish_reason": "length", "logprobs": tokens}  # fmt: skip
    done = {"text": " 4.", "finish_reason": "stop", "logprobs": {"token_logprobs": [-1.0]}}
    parts = [{"type": "reasoning"}, {"content": [{"type": "output_text", "text": "4"}]}]
    path = write_lines("out.jsonl", [
        response("a", choices=[chat]), response("b", choices=[done]),
        {"custom_id": "c", "response": {"status_code": 200, "body": {"output": parts}}},
        {"custom_id": "d", "response": {"status_code": 500, "body": {}}},
    ])  # fmt: skip
    a, b, c, d = rows_of(path)
    assert (a.text, a.thought, a.stop_reason) == ("4.", "two and two", "length")
    assert (a.token_logprobs, b.token_logprobs) == ([-0.5, -0.25], [-1.0])
    assert (b.text, c.text, d.error) == (" 4.", "4", "status 500")
    vectors = {"custom_id": "e", "response": {"body": {"data": [0.1]}}}
    write_lines("out.jsonl", [response("a", "4"), vectors])
    with pytest.raises(ValueError, match="line 2: its response is no generated text: data"):
        rows_of(path)
