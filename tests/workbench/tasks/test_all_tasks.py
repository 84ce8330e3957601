"""What must hold of every task."""

from pathlib import Path

import pytest

import workbench.tasks
from workbench import config
from workbench.tasks import TASKS

SHARED = {"__init__", "compare", "math_answers", "problems"}
PATH = Path(__file__).resolve().parents[4] / "shared" / "data" / "problems" / "math500.jsonl"
SETTINGS = {
    "arithmetic": config.Task(name="arithmetic", num_problems=30),
    "math500": config.Task(name="math500", num_problems=30, source=str(PATH)),
}


@pytest.fixture(params=TASKS)
def name(request):
    if request.param == "math500" and not PATH.exists():
        pytest.skip(f"no real data at {PATH}")
    return request.param


def test_no_task_is_forgotten():
    files = {path.stem for path in Path(workbench.tasks.__file__).parent.glob("*.py")}
    assert set(TASKS) == files - SHARED == set(SETTINGS)


def test_more_problems_keep_the_first_ones(name):
    task, settings = TASKS[name], SETTINGS[name]
    fewer = config.Task(name=name, num_problems=24, source=settings.source)
    assert task.load(fewer) == task.load(settings)[:24]
    assert len({p.id for p in task.load(settings)}) == 30


def test_the_known_answer_is_right_and_a_wrong_one_is_not(name):
    checker = TASKS[name].checker(SETTINGS[name])
    for problem in TASKS[name].load(SETTINGS[name])[:10]:
        answer, rule = TASKS[name].extract(rf"So \boxed{{{problem.gold}}}.", SETTINGS[name])
        assert rule == "boxed"
        assert checker.equal(problem.gold, answer) is True
        assert checker.equal(problem.gold, "271828") is False
        spelling = checker.canonical(answer)
        assert checker.canonical(spelling) == spelling  # nothing is left to even out


def test_examples_are_none_of_the_problems(name):
    task, settings = TASKS[name], SETTINGS[name]
    asked = {problem.question for problem in task.load(settings)}
    examples = task.examples(settings)
    assert examples
    assert not asked & {example.question for example in examples}
    assert all(task.extract(e.solution, settings)[0] is not None for e in examples)
