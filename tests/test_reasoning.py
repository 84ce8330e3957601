"""Reasoning models from end to end: samples that are imported, asked of a server, or drawn."""

import contextlib
import json
import socket
import subprocess
import sys
import time
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from tests.lazily import Lazy
from workbench.analysis.page.report import write_report
from workbench.interchange.writers import EXPORTS
from workbench.saved_run import Run

inspect_logs = Lazy("inspect_ai.log")
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
    ({"text": "<think>the answer is 7</think>The total is 8."}, "8", "answered", True),
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


THOUGHTS = [
    {"text": f"<think>{'hm ' * i}\\boxed{{7}}</think>It is \\boxed{{{8 - i % 2}}}{'.' * (i % 3)}",
     "token_logprobs": [-1.0, -0.5 * i - 0.5, -0.25], "num_thought_tokens": 2,
     "stop_reason": "stop"}
    for i in range(3)
] + [
    {"text": "<think>so it is \\boxed{8}", "token_logprobs": [-1.0, -2.0],
     "num_thought_tokens": 2, "stop_reason": "length"},
    {"text": "\\boxed{8}", "token_logprobs": [-3.0], "stop_reason": "stop"},
]  # fmt: skip
"""Samples of one pool: three that think, one that is cut while it does, one that does not."""

PARTS = {
    # part: (lengths, mean log-probabilities, distinct texts) of the five samples
    "answer": ([1, 1, 1, 0, 1], [-0.25, -0.25, -0.25, None, -3.0], 5),
    "thought": ([2, 2, 2, 2, 0], [-0.75, -1.0, -1.25, -1.5, None], 5),
    "whole": ([3, 3, 3, 2, 1], [-1.75 / 3, -2.25 / 3, -2.75 / 3, -1.5, -3.0], 5),
}


@pytest.fixture(scope="module")
def thinking(cli, tmp_path_factory):
    """The folder of an imported run with thoughts, measured and analysed."""
    home = tmp_path_factory.mktemp("thinking")
    measured = ("--set", "measure.metrics=[avg_log_prob, num_tokens, distinct_1]",
                "--set", "measure.k=[1, 2]", "--set", "analysis.resamples=100")  # fmt: skip
    imported(cli, home, THOUGHTS, *measured)
    cli.must("run", home / "run", tables=["budget"])
    return home / "run"


@pytest.mark.parametrize("part", PARTS)
def test_the_part_that_is_asked_for_is_measured(cli, thinking, part):
    lengths, logprobs, distinct = PARTS[part]
    cli.must("measure", thinking, "--set", f"measure.text={part}")
    (pool,) = Run(thinking).pools(0, with_embeddings=False)
    assert pool.num_tokens.tolist() == lengths
    assert pool.logprobs.tolist() == pytest.approx(
        [float("nan") if value is None else value for value in logprobs], nan_ok=True
    )
    assert len(set(pool.texts)) == distinct
    assert pool.total_tokens.tolist() == [3, 3, 3, 2, 1]
    assert pool.thought_tokens.tolist() == [2, 2, 2, 2, 0]
    singles = {row["members"][0]: row for row in read(thinking, "subsets") if row["k"] == 1}
    assert [singles[i]["num_tokens"] for i in range(5)] == lengths


def test_tables_show_thoughts_apart_and_what_cut_samples_may_matter(thinking):
    run = Run(thinking)
    statuses = run.table("statuses").iloc[0]
    assert (statuses["mean_tokens"], statuses["mean_thought_tokens"]) == (12 / 5, 8 / 5)
    spent = run.table("budget").set_index("k")
    assert spent.loc[2, ["tokens", "thought_tokens"]].tolist() == pytest.approx([24 / 5, 16 / 5])
    for table in ("statuses", "accuracy_by_k", "coverage_curve", "budget"):
        said = (thinking / "tables" / f"{table}.md").read_text()
        assert (
            "with all of them wrong, and all right: 0.600 to 0.800 at T = 0.7 (20.0% cut)" in said
        )


@pytest.mark.parametrize("name", EXPORTS)
def test_thoughts_survive_an_export_and_an_import(cli, thinking, tmp_path, name):
    cli.must("export", thinking, "--to", name, "--out", tmp_path / "out")
    cli.must("import", tmp_path / "out", "--out", tmp_path / "back", *QUIET)
    left = {"token_logprobs", "prompt_hash"}  # not every format has them
    before, after = read(thinking, "samples"), read(tmp_path / "back", "samples")
    assert [{k: row[k] for k in row.keys() - left} for row in after] == [
        {k: row[k] for k in row.keys() - left} for row in before
    ]


def test_inspect_sees_thoughts_as_reasoning(cli, thinking, tmp_path):
    cli.must("export", thinking, "--to", "inspect", "--out", tmp_path)
    (log,) = inspect_logs.list_eval_logs(str(tmp_path))
    first, *_, last = inspect_logs.read_eval_log(log).samples
    message = first.output.choices[0].message
    assert [part.type for part in message.content] == ["reasoning", "text"]
    assert message.content[0].reasoning == "\\boxed{7}"
    assert first.output.completion == message.text == "It is \\boxed{8}"
    assert first.output.usage.reasoning_tokens == 2
    assert last.output.choices[0].message.content == "\\boxed{8}"


def test_a_page_folds_thoughts(thinking, browser, tmp_path, monkeypatch):
    monkeypatch.setattr("workbench.analysis.page.report.FIGURES", {})
    page = browser.new_context(offline=True).new_page()
    page.goto(write_report(thinking, tmp_path / "page.html").as_uri() + "#p/0.7")
    folded = page.locator("details.thought")
    folded.first.wait_for(state="attached")
    assert folded.count() == 4
    assert not folded.first.locator(".text").is_visible()
    folded.first.locator("summary").click()
    assert "\\boxed{" in folded.first.locator(".text").inner_text()


FAULTS = Path(__file__).parents[1] / "../shared/faults"
SERVED = {
    # how the server keeps thoughts: (thought, answers, statuses, lengths)
    "reasoning_stop": ("so it is \\boxed{3}", {None}, {"no_answer"}, {5}),
}


@pytest.fixture
def serve():
    """A function that starts the make-believe server in a mode; returns its address."""
    server = FAULTS / "fake_server.py"
    if not server.exists():
        pytest.skip(f"{server} is not there: it is not part of the project")
    started = []

    def start(mode):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        started.append(subprocess.Popen([sys.executable, server, str(port), mode]))
        for _ in range(200):
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port)):
                return f"http://127.0.0.1:{port}/v1"
            time.sleep(0.05)
        raise TimeoutError("the server did not start")

    yield start
    for process in started:
        process.kill()
        process.wait()


@pytest.mark.parametrize("mode", SERVED)
def test_a_server_s_reasoning_is_kept_apart(cli, experiment, serve, tmp_path, mode):
    thought, answers, statuses, lengths = SERVED[mode]
    path = experiment(
        task={"name": "arithmetic", "num_problems": 2, "prompt": "chat"},
        generation={"model": "m", "backend": "openai", "temperatures": [0.7], "n": 2,
                    "max_tokens": 48, "engine": {"base_url": serve(mode), "timeout": 5}},
        measure={"k": [2], "metrics": ["distinct_1"]}, selection={"aggregators": ["maj"]},
    )  # fmt: skip
    for stage in ("generate", "score"):
        cli.must(stage, path, "--out", tmp_path / "run")
    samples, scores = read(tmp_path / "run", "samples"), read(tmp_path / "run", "scores")
    assert len(samples) == 4
    assert {row["thought"] for row in samples} == {thought}
    assert {row["num_output_tokens"] for row in samples} == lengths
    assert {row["answer"] for row in scores} <= answers
    assert {row["status"] for row in scores} == statuses
