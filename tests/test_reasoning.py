"""Reasoning models from end to end: samples that are imported, asked of a server, or drawn."""

import json

import pyarrow.parquet as pq
import pytest

QUIET = ("--set", "tracking.mode=disabled", "--set", "measure.metrics=[distinct_1]",
         "--set", "selection.aggregators=[maj]")  # fmt: skip

ROWS = [
    # (columns of a row, its answer, status, correct)
    ({"text": "<think>Maybe \\boxed{7}. wait, no.</think> The final answer is 8."},
     "8", "answered", True),
    ({"text": "<think>3+5 is eight.</think> The final answer is 8."}, "8", "answered", True),
    ({"text": "<think>Could it be \\boxed{8}? Let me go on", "stop_reason": "length"},
     None, "truncated", False),
    ({"text": "<think>Could it be \\boxed{8}? Let me go on"}, None, "truncated", False),
    ({"text": "<think>the answer is 7</think>The total is 8."}, None, "no_answer", False),
    ({"text": "\\boxed{7}? No.</think>\\boxed{8}"}, "8", "answered", True),
    ({"text": "[THINK]\\boxed{7}[/THINK]\\boxed{8}"}, "8", "answered", True),
    ({"text": "\\boxed{8}", "thought": "\\boxed{7}"}, "8", "answered", True),
    ({"text": "\\boxed{8}", "reasoning": "\\boxed{7}"}, "8", "answered", True),
    ({"text": "", "reasoning_content": "\\boxed{8}"}, None, "no_answer", False),
    ({"text": None, "reasoning_content": "\\boxed{8}", "stop_reason": "length"},
     None, "truncated", False),
    ({"text": "\\boxed{8}"}, "8", "answered", True),
]  # fmt: skip


def read(folder, table):
    paths = sorted((folder / table).glob("block-*.parquet"))
    return [row for path in paths for row in pq.read_table(path).to_pylist()]


def imported(cli, home, rows, *options):
    shared = {"problem_id": "p", "problem": "What is 3 + 5?", "gold": "8", "temperature": 0.7}
    file = home / "samples.jsonl"
    file.write_text("".join(json.dumps(shared | row) + "\n" for row in rows))
    said = cli.must("import", file, "--out", home / "run", *QUIET, *options).out
    cli.must("score", home / "run")
    return said, read(home / "run", "samples"), read(home / "run", "scores")


def test_an_answer_is_never_taken_from_an_imported_thought(cli, tmp_path):
    said, samples, scores = imported(cli, tmp_path, [row for row, *_ in ROWS])
    found = [(row["answer"], row["status"], row["is_correct"]) for row in scores]
    assert found == [tuple(right) for _, *right in ROWS]
    assert "thoughts      of 11 samples, kept apart" in said
    assert samples[0]["thought"] == "Maybe \\boxed{7}. wait, no."
    assert samples[-1]["thought"] is None


@pytest.mark.parametrize(
    ("options", "texts", "answers"),
    [
        ([], ["7? \\boxed{7}", "{7}\\boxed{7}"], ["7", "7"]),
        (["in_prompt=true"], ["7? \\boxed{7}", "\\boxed{7}</think>\\boxed{8}"], [None, "8"]),
        (["open='{'", "close='}'"], ["{\\boxed{7", "{thought}The answer is 8."], [None, "8"]),
        (["family=none"], ["<think>\\boxed{8}", "\\boxed{8}</think>7"], ["8", "8"]),
    ],
)
def test_an_import_is_told_how_thoughts_are_marked(cli, tmp_path, options, texts, answers):
    settings = [part for option in options for part in ("--set", f"task.thinking.{option}")]
    _, _, scores = imported(cli, tmp_path, [{"text": text} for text in texts], *settings)
    assert [row["answer"] for row in scores] == answers
