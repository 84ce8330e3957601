"""Files of versions that are not known, with a key that is new in them: made from known ones."""

import json
from pathlib import Path

import pytest

FILES = Path(__file__).parents[3] / "files" / "lm-eval"
SAMPLES = next(FILES.glob("*/samples_sums_once_*.jsonl"))
SUM = {"input": "2+2?", "target": "4"}


def inspect(home):
    sample = SUM | {"id": 1, "epoch": 1, "output": {"completion": "4"}, "colour": "red"}
    log = {"version": 3, "status": "success", "eval": {"model": "m"}, "plan": {}}
    path = home / "log.json"
    path.write_text(json.dumps(log | {"samples": [sample]}))
    return path


def lm_eval(home):
    name = SAMPLES.name.replace("samples_sums_once", "results").replace(".jsonl", ".json")
    whole = json.loads(SAMPLES.with_name(name).read_text())
    assert whole["lm_eval_version"] == "0.4.13"
    (home / name).write_text(json.dumps(whole | {"lm_eval_version": "0.5.1"}))
    line = json.loads(SAMPLES.read_text().splitlines()[0])
    path = home / SAMPLES.name
    path.write_text(json.dumps(line | {"resps": [["4"]], "colour": "red"}))
    return path


def every_eval_ever(home):
    row = {
        "schema_version": "instance_level_eval_0.4.0", "evaluation_id": "e", "sample_id": "s",
        "evaluation_name": "n", "input": {"raw": "2+2?"}, "output": {"raw": ["4"]},
        "evaluation": {"score": 1, "is_correct": None}, "colour": "red",
    }  # fmt: skip
    path = home / "u_samples.jsonl"
    path.write_text(json.dumps(row))
    return path


def promptfoo(home):
    row = {"success": True, "score": 1, "vars": {}, "response": {"output": "4"}, "colour": "red"}
    path = home / "out.json"
    path.write_text(json.dumps({"evalId": "e", "results": {"version": 4, "results": [row]}}))
    return path


@pytest.mark.parametrize(
    ("make", "remark"),
    [
        (inspect, "log.json is a log of version 3, and 2 is known"),
        (lm_eval, f"{SAMPLES.name} is of lm-eval 0.5.1, and 0.4 is known"),
        (every_eval_ever, "has rows of schema instance_level_eval_0.4.0; 0.2 and 0.3 are known"),
        (promptfoo, "out.json is of version 4 of promptfoo's output, and 2 and 3 are known"),
    ],
)
def test_a_newer_version_is_read_as_far_as_it_goes_and_what_is_new_is_said(
    rows_of, tmp_path, capfd, make, remark
):
    (row,) = rows_of(make(tmp_path))
    assert row.text == "4"
    said = capfd.readouterr().err
    assert (
        f"{remark}: it is read as far as it is alike; not read, as they are new: colour\n" in said
    )


def test_a_known_version_says_nothing(rows_of, capfd):
    rows_of(SAMPLES)
    assert "as far as it is alike" not in capfd.readouterr().err
