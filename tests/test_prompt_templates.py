"""A prompt template from the experiment to the samples, the run's folder and the page."""

import json
import re
from html import escape
from pathlib import Path

import pytest
import yaml

from workbench.analysis.compare.settings import differing_settings
from workbench.analysis.notebook import run_html
from workbench.analysis.page.html import render
from workbench.analysis.page.report import report
from workbench.config.prompt_variants import prompt_names, task_with_prompt
from workbench.config.schema import TaskSettings
from workbench.core.types import Problem
from workbench.experiment import load_experiment
from workbench.generate.stage import prompted_problems
from workbench.saved_run import Run
from workbench.tasks import TASKS
from workbench.tasks.prompt_template import template_faults
from workbench.tasks.prompts import build_prompts, prompt_hash

MESSAGES = [
    {"role": "system", "content": "Answer <in> a word.\n"},
    {
        "role": "user",
        "content": "{% for e in examples %}\n{{ e.problem }} {{ e.solution }}\n{% endfor %}\n"
        "{{ problem }}{% if hint is defined %} ({{ hint }}){% endif %}\n",
    },
]
SENT = "system: Answer <in> a word.\nuser: Capital of Peru? Lima\nCapital of France? (Eiffel)"


@pytest.fixture
def own(experiment, tmp_path):
    """A function: changes -> an experiment file of a template on three problems of one's own."""
    problems = [
        {"id": "a", "problem": "Capital of France?", "gold": "Paris", "hint": "Eiffel"},
        {"id": "b", "problem": "Capital of Spain?", "gold": "Madrid"},
    ]
    examples = [{"problem": "Capital of Peru?", "solution": "Lima"}]
    for name, rows in (("problems", problems), ("examples", examples)):
        text = "".join(json.dumps(row) + "\n" for row in rows)
        (tmp_path / f"{name}.jsonl").write_text(text)

    def make(prompt=MESSAGES, few_shot=1, **changes):
        task = {"name": "jsonl", "source": str(tmp_path / "problems.jsonl"), "few_shot": few_shot}
        task |= {"examples": str(tmp_path / "examples.jsonl"), "prompt": prompt}
        return experiment(task=task, generation__n=4, **changes)

    return make


@pytest.fixture
def made(cli, own, tmp_path):
    cli.must("run", own(), "--out", tmp_path / "run")
    return tmp_path / "run"


def test_the_first_prompt_is_kept_and_shown(made, cli):
    caption = "a: messages, as they are sent"
    assert (made / "first_prompt.txt").read_text() == f"{caption}\n\n{SENT}"
    run = Run(made)
    assert run.first_prompt == (caption, SENT)
    for page in (render(report(run)), run_html(run)):
        assert caption in page
        assert escape(SENT) in page
    shown = cli.must("check", made).out
    assert "\n".join(f"  | {line}" for line in SENT.splitlines()) in shown


def test_the_run_holds_the_template_and_is_refused_another(made, cli, own):
    kept = load_experiment(made / "experiment.yaml")
    assert kept.task.prompt == tuple(MESSAGES)
    assert yaml.safe_load((made / "experiment.yaml").read_text())["task"]["prompt"] == MESSAGES
    assert "all 18 samples are there" in cli.must("run", made).err
    before = (made / "first_prompt.txt").read_bytes()
    other = [MESSAGES[0] | {"content": "Be brief."}, MESSAGES[1]]
    child = cli("run", own(other), "--out", made)
    child.refuses("other prompts for 2 of its problems", "template changed", "--out")
    assert (made / "first_prompt.txt").read_bytes() == before


def test_every_fault_is_said_by_validate(cli, own):
    for words, (prompt, few_shot) in {
        "task.prompt: unknown name 'problm'; did you mean 'problem'?": ("{{ problm }}", 0),
        "task.prompt: problem 'b': the template fails ('hint' is und": ("{{ hint }}", 0),
        "task.few_shot: the template shows none of the 1 examples": ("{{ problem }}", 1),
        "task.prompt: line 1: not valid Jinja2": ("{{ problem", 0),
        "task.prompt: message 1: unknown role 'usr'": ([MESSAGES[1] | {"role": "usr"}], 1),
    }.items():
        told = cli("validate", own(prompt, few_shot, measure__k=[99])).err
        assert words in told
        assert "measure.k: subsets of 99" in told


def test_what_only_the_problems_show_is_said_with_its_key_before_a_sample_is_drawn(tmp_path):
    source = tmp_path / "problems.jsonl"
    source.write_text('{"problem": "2 + 2?", "gold": "4", "level": 1}\n')
    settings = TaskSettings(name="math500", source=str(source), prompt="{{ lvel }}{{ subject }}")
    with pytest.raises(
        ValueError, match=r"^task\.prompt: .*'level'\?.*\ntask\.prompt: .*'subject'"
    ):
        prompted_problems(settings)


def test_two_templates_are_told_apart_in_a_comparison(made, cli, own, tmp_path):
    second = "Say it in one word, please. " * 8 + "{{ problem }}"
    cli.must("run", own(second, 0), "--out", tmp_path / "second")
    frame = differing_settings([Run(made), Run(tmp_path / "second")], ["one", "two"]).frame
    row = frame.set_index("setting").loc["task.prompt"]
    assert len(row["two"]) <= 100
    assert row["two"].startswith("Say it in one word, please. Say it")
    assert "\n" not in row["one"]
    assert row["one"] != row["two"]


def test_the_templates_of_the_readme_are_valid_and_write_what_they_look_like(tmp_path):
    text = (Path(__file__).parent.parent / "experiments" / "README.md").read_text()
    first, second, third, _ = re.findall(r"```yaml\n(task:.*?)```", text, re.DOTALL)
    problem = Problem("p", "2 + 2?", "4", {"subject": "sums", "hint": "count"})
    shown = tmp_path / "shown.jsonl"
    shown.write_text('{"problem": "1 + 1?", "solution": "2"}\n{"problem": "0?", "solution": "0"}\n')
    settings = TaskSettings(**yaml.safe_load(first)["task"] | {"examples": str(shown)})
    assert template_faults(settings) == []
    (prompt,) = build_prompts([problem], TASKS["jsonl"], settings)
    assert prompt.text == (
        "Question: 1 + 1?\nAnswer: 2\n\nQuestion: 0?\nAnswer: 0\n\nQuestion: 2 + 2?\nAnswer:"
    )
    settings = TaskSettings(**yaml.safe_load(second)["task"])
    assert template_faults(settings) == []
    (prompt,) = build_prompts([problem], TASKS["jsonl"], settings)
    assert [message["content"] for message in prompt.messages] == [
        "You are an expert of sums. Answer in one word.",
        "2 + 2? (Hint: count)",
    ]
    settings = TaskSettings(**yaml.safe_load(third)["task"])
    asked = {
        name: prompted_problems(task_with_prompt(settings, name))[0].prompt
        for name in prompt_names(settings)
    }
    assert [*asked] == ["default", "brief", "zero", "other_examples", "plain"]
    assert [len(prompt.messages or ()) for prompt in asked.values()] == [10, 10, 2, 10, 0]
    assert asked["brief"].messages[0]["content"] == r"Answer with the number alone, in \boxed{}."
    assert len({prompt_hash(prompt) for prompt in asked.values()}) == 5
