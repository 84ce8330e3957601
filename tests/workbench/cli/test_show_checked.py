"""What ``workbench check`` shows of an experiment, a run and a file, and that nothing is kept."""

import json

import pytest

from workbench.cli.checked_problems import drawn_now, of_run
from workbench.cli.show_checked import WIDTH, lines_of, middle_out
from workbench.config.schema import Experiment, Generation, TaskSettings
from workbench.core.types import Known, Problem, Prompt, Request
from workbench.generate.asked_problems import prompted_problems
from workbench.generate.missing_samples import request_for
from workbench.storage.journal import Journal
from workbench.storage.open_run import OpenRun
from workbench.tasks.prompts import prompt_hash


def experiment_of(task, **generation):
    drawn = {"model": "replay", "backend": "replay", "temperatures": (0.3, 1.5), "n": 8}
    return Experiment(
        name="x", task=TaskSettings(**task), generation=Generation(**(drawn | generation))
    )


def shown(checked):
    return "\n".join(lines_of(checked))


def test_three_samples_of_three_problems_that_differ_are_drawn_and_nothing_is_written(
    tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    questions = ["2 + 3", "2 + 3", "4 + 4", "1 + 1", "5 + 5"]
    rows = [{"id": f"p{n}", "problem": q, "gold": 5} for n, q in enumerate(questions)]
    (tmp_path / "a.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    task = {"name": "jsonl", "source": "a.jsonl", "system": "Add.", "options": {"compare": "text"}}
    checked = drawn_now(experiment_of(task, max_tokens=400))
    assert [problem.id for problem in checked.problems] == ["p0", "p2", "p3"]
    keys = [(s["problem_id"], s["temperature"], s["sample_index"]) for s in checked.samples]
    assert keys == [(p, 1.5, n) for p in ("p0", "p2", "p3") for n in range(3)]
    text = shown(checked)
    assert (
        "messages, as they are sent:\n  | system: Add.\n  | user: 2 + 3\nknown answer: '5'" in text
    )
    assert "what stands in a \\boxed{} (boxed)\nverdict: " in text
    assert "9 samples, answers compared as text: " in text
    assert [path.name for path in tmp_path.iterdir()] == ["a.jsonl"]


SAMPLES = [  # (text, how it ended), what is said of its answer and of its verdict; gold '7'
    (("So \\boxed{7}", "stop"), "answer:  '7', what stands in a \\boxed{} (boxed)",
     "verdict: RIGHT: '7' equals '7' (compared as math)"),
    (("The answer is 8.", "stop"), "answer:  '8', what stands behind \"answer is\"",
     "verdict: WRONG: '8' is not '7' (compared as math)"),
    (("Nobody knows\x1b[31m", "stop"), "  | Nobody knows\\x1b[31m",
     "verdict: UNANSWERED: no answer was found, which counts as wrong"),
    (("We begin " + "so " * 400, "length"), "(cut off at the limit of tokens)",
     "verdict: TRUNCATED: the text was cut off before an answer was found, which counts as wrong"),
    (("", "error"), "sample 0", "verdict: UNKNOWN: the sample could not be drawn (it broke)"),
]  # fmt: skip


@pytest.mark.parametrize(("sample", "found", "verdict"), SAMPLES)
def test_what_is_said_of_a_sample_of_a_run(tmp_path, sample, found, verdict):
    prompt = Prompt(messages=({"role": "user", "content": "3 + 4"},))
    experiment = experiment_of({"name": "math500", "source": "gone.jsonl", "system": ""})
    run = OpenRun.of(tmp_path, experiment)
    run.manifest.update(problems_per_block=10)
    known = Known(Problem("a", "3 + 4", "7"), prompt_hash(prompt))
    run.write_problems([known])
    (tmp_path / "samples").mkdir()
    text, ended = sample
    with Journal(run.journal(0)) as journal:
        for heat in (0.3, 1.5):
            request = Request("a", heat, 0, prompt, known.prompt_hash, 1)
            error = "it broke" if ended == "error" else ""
            journal.add(request.sampled(text, ended, error=error))
    before = sorted(path.name for path in tmp_path.rglob("*"))
    text = shown(of_run(tmp_path, experiment))
    assert "messages, as they are sent:\n  | user: 3 + 4" in text
    assert "sample 0, temperature 1.5:" in text
    assert "temperature 0.3" not in text
    assert found in text
    assert verdict in text
    assert all(len(line) <= WIDTH for line in text.splitlines())
    assert sorted(path.name for path in tmp_path.rglob("*")) == before


def test_the_first_of_the_hottest_conditions_is_shown_with_its_own_prompt(tmp_path):
    task = {"name": "arithmetic", "num_problems": 3}
    plain, task = task, task | {"prompts": {"brief": {"system": "Be brief."}}}
    grid = {"temperature": [0.3, 1.5], "prompt": ["brief", "default"]}
    experiment = experiment_of(task, grid=grid, temperatures=())
    drawn = drawn_now(experiment)
    assert {sample["condition"] for sample in drawn.samples} == {"T1.5-brief"}
    assert "user: " not in shown(drawn).partition("system: Be brief.")[0]
    assert "sample 0, condition T1.5-brief:" in shown(drawn)

    run = OpenRun.of(tmp_path, experiment)
    run.manifest.update(problems_per_block=10)
    (item, *_) = prompted_problems(experiment.task, ["default", "brief"])
    run.write_problems([item.known])
    (tmp_path / "samples").mkdir()
    with Journal(run.journal(0)) as journal:
        for condition in reversed(run.conditions):
            journal.add(
                request_for(item, condition, 0, experiment.task, experiment.generation).sampled(
                    f"in {condition.name}", "stop"
                )
            )
    text = shown(of_run(tmp_path, experiment))
    assert "sample 0, condition T1.5-brief:\n  | in T1.5-brief\n" in text
    assert text.index("system: Be brief.") < text.index("known answer")
    assert "1 samples, answers compared" in text
    gone = experiment_of(plain, grid=grid, temperatures=())
    assert "cannot be made again: unknown prompt 'brief'" in " ".join(
        shown(of_run(tmp_path, gone)).split()
    )


def test_a_prompt_that_cannot_be_made_again_is_not_made_up(tmp_path):
    experiment = experiment_of({"name": "math500", "source": "gone.jsonl", "system": "Other."})
    run = OpenRun.of(tmp_path, experiment)
    run.manifest.update(problems_per_block=10)
    run.write_problems([Known(Problem("a", "3 + 4", "7"), "another hash")])
    with pytest.raises(ValueError, match="holds no samples; run `workbench generate` first"):
        of_run(tmp_path, experiment)
    (tmp_path / "samples").mkdir()
    with Journal(run.journal(0)) as journal:
        request = Request("a", 1.0, 0, Prompt(text="?"), "another hash", 1)
        journal.add(request.sampled("\\boxed{7}", "stop"))
    text = shown(of_run(tmp_path, experiment))
    assert "question (it was asked with other settings than these):\n  | 3 + 4\n" in text


def test_a_text_is_shortened_in_the_middle_to_what_was_asked_for():
    text = "".join(map(str, range(1000)))
    short = middle_out(text, 100)
    assert short.startswith(text[:50] + " [… 2,790 characters left out …] ")
    assert short.endswith(text[-50:])
    assert middle_out(text, len(text)) == text


@pytest.mark.parametrize("compare", ["", "task.options.compare=exact"])
def test_a_file_of_samples_is_checked_and_settings_tried_on_it(cli, tmp_path, compare):
    rows = [
        {"problem_id": f"p{n}", "problem": f"Q{n}?", "gold": gold, "said": f"It is {gold} I think."}
        for n, gold in enumerate(("Paris", "Rome"))
    ]
    path = tmp_path / "a.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    child = cli.must("check", path, *[compare] * bool(compare), "--column", "text=said")
    if compare:
        assert "Doubtful: none of 2 samples" in child.out
        assert "likely to help: task.options.compare=contains, which finds" in child.out
    else:
        assert "RIGHT: 'it is paris i think' holds 'paris' (contains)" in child.out
    assert "right" not in child.err  # said once
    assert [path.name for path in tmp_path.iterdir()] == ["a.jsonl"]


def test_first_answers_are_looked_at_also_where_second_ones_are_hotter(cli, experiment, tmp_path):
    turns = {"generation__turns": 2, "generation__second_turn": {"temperature": 1.5}}
    path = experiment(generation__temperatures=[0.5], **turns)
    assert "sample 0, temperature 0.5:" in cli.must("check", path).out
    cli.must("generate", path, "--out", tmp_path / "run")
    told = cli.must("check", tmp_path / "run").out
    assert "sample 0, temperature 0.5:" in told
    assert "1.5" not in told
