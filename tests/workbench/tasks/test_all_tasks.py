"""What must hold of every task; a new one gets these tests by having a row in TASKS."""

from dataclasses import replace
from pathlib import Path

import pytest

from workbench.config import schema as config
from workbench.tasks import TASKS
from workbench.tasks.code_problems import CodeProblem
from workbench.tasks.program_extraction import find_program
from workbench.tasks.program_source import defined_names
from workbench.tasks.worked_examples import worked_examples

HOME = Path(__file__).resolve().parents[3]
DATA = HOME.parent / "shared" / "data" / "problems"
PROBLEMS = {
    "math500": DATA / "math500.jsonl", "gsm8k": DATA / "gsm8k_test.jsonl",
    "mbpp": DATA / "sanitized-mbpp.json",
}  # fmt: skip
QUIZ = HOME / "experiments" / "problems"
SETTINGS = {
    "math500": config.TaskSettings(
        name="math500", num_problems=30, source=str(PROBLEMS["math500"])
    ),
    "gsm8k": config.TaskSettings(
        name="gsm8k", num_problems=30, source=str(PROBLEMS["gsm8k"]), few_shot=4,
        options={"train": str(DATA / "gsm8k_train_slice.jsonl")},
    ),
    "jsonl": config.TaskSettings(
        name="jsonl", num_problems=30, source=str(QUIZ / "quiz.jsonl"), few_shot=3,
        examples=str(QUIZ / "quiz_examples.jsonl"), options={"compare": "choice"},
    ),
    "mbpp": config.TaskSettings(name="mbpp", num_problems=30, source=str(PROBLEMS["mbpp"])),
    "code": config.TaskSettings(
        name="code", num_problems=30, source=str(QUIZ / "small_functions.jsonl")
    ),
}  # fmt: skip


@pytest.fixture(params=TASKS)
def name(request):
    path = PROBLEMS.get(request.param)
    if path and not path.exists():
        pytest.skip(f"no real data at {path}")
    return request.param


@pytest.fixture
def settings(name):
    """A task that makes its problems needs no line in SETTINGS, unless it has options to set."""
    found = SETTINGS.get(name, config.TaskSettings(name=name, num_problems=30))
    if TASKS[name].on_hub(found):
        pytest.fail(f"give SETTINGS in {__file__} a local file of problems for task {name!r}")
    return found


def test_more_problems_keep_the_first_ones(name, settings):
    task = TASKS[name]
    fewer = replace(settings, num_problems=24)
    assert task.load(fewer) == task.load(settings)[:24]
    assert len({p.id for p in task.load(settings)}) == 30


def test_the_known_answer_is_right_and_a_wrong_one_is_not(name, settings):
    task = TASKS[name]
    if task.programs:
        pytest.skip("what is right is decided by tests, see the next test")
    checker = task.checker(settings)
    for problem in task.load(settings)[:10]:
        answer, rule = task.extract(rf"So \boxed{{{problem.gold}}}.", settings)
        assert rule == "boxed"
        assert checker.equal(problem.gold, answer) is True
        assert checker.equal(problem.gold, "271828") is False
        spelling = checker.canonical(answer)
        assert checker.canonical(spelling) == spelling  # nothing is left to even out


def test_a_solution_is_found_as_the_program_that_it_is(name, settings):
    task = TASKS[name]
    if not task.programs:
        pytest.skip("its answers are no programs")
    for problem in task.load(settings)[:10]:
        held = CodeProblem.of(problem)
        found = find_program(f"So:\n```python\n{held.solution}\n```\n", held)
        assert found.rule == "fenced"
        assert defined_names(found.source) >= {held.entry_point}
        assert find_program("I do not know.", held).source is None


def test_examples_are_none_of_the_problems(name, settings):
    task = TASKS[name]
    if name in ("humaneval", "code"):
        assert task.examples(settings) == []  # all that there is is asked
        return
    asked = {problem.question for problem in task.load(settings)}
    examples = worked_examples(task, replace(settings, few_shot=4))
    assert examples
    assert not asked & {example.question for example in examples}
    assert all(task.extract(e.solution, settings)[0] is not None for e in examples)
