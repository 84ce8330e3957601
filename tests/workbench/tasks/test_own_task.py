"""A task that a plug-in has written by hand is looked at before anything is drawn."""

import pytest

from workbench.config.schema import TaskSettings
from workbench.core.types import Problem
from workbench.tasks.task import Task

SETTINGS = TaskSettings(name="mine")


def task_of(load=lambda settings: [], **others):
    given = {"examples": lambda settings: [], "check": lambda settings: None}
    return Task(load=load, instruction="", summary="", **given | others)


@pytest.mark.parametrize(
    ("problems", "words"),
    [
        ([], "the task 'mine' has no problems; nothing can be asked"),
        ([Problem("a", "Two?", "2"), ("b", "Two?", "2")], "problem 1 is no Problem: "),
        ([Problem("a", "Two?", 2)], "'gold' of problem 0 must be a text, got 2"),
        ([Problem(7, "Two?", "2")], "'id' of problem 0 must be a text, got 7"),
        ([Problem("a", None, "2")], "'question' of problem 0 must be a text, got None"),
        ([Problem("a", "Two?"), Problem("b", "3?"), Problem("a", "4?")],
         "problem 2 has the id 'a', as one before it"),
    ],
)  # fmt: skip
def test_what_it_loads_is_checked(problems, words):
    with pytest.raises(ValueError, match="the task 'mine'") as told:
        task_of(lambda settings: problems).problems(SETTINGS)
    assert words in str(told.value)


def test_sound_problems_are_returned_as_they_are():
    sound = (Problem("a", "Two?", "2"), Problem("b", "Two?"))
    assert task_of(lambda settings: iter(sound)).problems(SETTINGS) == [*sound]


@pytest.mark.parametrize("found", ["2", ("2", 3), (2, "mine"), ("2", "mine", 0), None])
def test_what_it_extracts_is_checked(found):
    with pytest.raises(ValueError, match="extract must return two values, the answer"):
        task_of(extract=lambda text, settings: found).answer_of("It is 2", SETTINGS)


def test_an_answer_and_its_rule_are_returned_as_they_are():
    task = task_of(extract=lambda text, settings: (text or None, "mine"))
    assert [task.answer_of(text, SETTINGS) for text in ("2", "")] == [("2", "mine"), (None, "mine")]


def test_functions_that_take_something_else_are_refused():
    with pytest.raises(TypeError, match=r"extract is called with 2 arguments .* <lambda>\(text\)"):
        task_of(extract=lambda text: (text, "mine"))
    with pytest.raises(TypeError, match=r"load is called with 1 argument \(settings\), which"):
        task_of(load=lambda: [])
    with pytest.raises(TypeError, match="check must be a function, got None"):
        task_of(check=None)
