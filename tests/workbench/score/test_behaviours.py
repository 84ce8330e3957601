"""The answers of programs, from what the sandbox tells of them."""

import json

import pytest

from workbench.behaviour.clusters import behaviour_clusters
from workbench.behaviour.outputs import read_output, shortened
from workbench.config.schema import TaskSettings
from workbench.sandbox.programs import Verdict
from workbench.score.behaviours import Calls, behaviours, call_rows, calls_for
from workbench.score.program_runner import MOST_LETTERS, clipped
from workbench.tasks.code_problems import CodeProblem, parse_code, with_visible

PROBLEM = CodeProblem(
    id="p", question="def half(x):\n    'half(4) is 2'", entry_point="half",
    tests="assert half(8) == 4\nassert half(10) == 5", examples=("assert half(2) == 1",),
    wordings=("half(6)",),
)  # fmt: skip


def task(**options):
    return TaskSettings(name="code", source="x", options=options)


def test_calls_are_of_what_may_be_shown():
    calls = calls_for(PROBLEM, task(input_sources=["examples", "tests"]))
    assert calls == Calls(((2,), (4,), (6,)), ("2", "4", "6"))
    assert len(calls_for(PROBLEM, task(inputs=5)).arguments) == 5


def test_hidden_tests_are_not_called_with():
    record = {"prompt": "Halve x.", "entry_point": "half", "tests": PROBLEM.tests}
    problem = parse_code(record, "p")
    for visible, expected in ((0, ()), (1, ("8",)), (2, ("8", "10"))):
        shown = CodeProblem.of(with_visible(problem, visible))
        assert calls_for(shown, task(input_sources=["tests"])).spelt == expected


def test_the_seed_makes_other_calls():
    assert calls_for(PROBLEM, task(), 0) != calls_for(PROBLEM, task(), 1)


def test_programs_are_clustered_within_the_tolerance_of_the_task():
    calls = Calls(((1,),), ("1",))
    verdicts = [Verdict(outcome="passed", answers=({"value": v},)) for v in (0.5, 0.5001)]
    assert behaviours(verdicts, calls, task()).clusters.tolist() == [0, 1]
    assert behaviours(verdicts, calls, task(tolerance=0.01)).clusters.tolist() == [0, 0]


def test_a_program_that_could_not_be_called_is_unanswered_even_without_calls():
    verdicts = [
        Verdict(outcome="passed", total=2), Verdict(outcome="syntax"), None,
        Verdict(outcome="failed", total=1),
    ]  # fmt: skip
    assert behaviours(verdicts, Calls(), task()).clusters.tolist() == [0, -1, -1, 0]


def test_the_calls_are_kept_with_the_outputs_that_were_given():
    calls = Calls(((1,), (2,)), ("1", "2"))
    answers = [[{"value": 1}, {"value": 4}], [{"value": 1}, {"exception": "KeyError"}]]
    found = behaviour_clusters(answers, calls.spelt)
    assert call_rows("p", calls, found) == [
        {"problem_id": "p", "call": "1", "outputs": ["1"]},
        {"problem_id": "p", "call": "2", "outputs": ["KeyError", "4"]},
    ]


@pytest.mark.parametrize("long", [{"l": [1.0, True] * MOST_LETTERS}, "x" * MOST_LETTERS])
def test_a_long_answer_is_kept_short_and_stays_equal_to_itself(long):
    verdict = Verdict(outcome="passed", answers=({"value": 1}, {"value": long}))
    kept = clipped(verdict)
    assert kept.answers[0] == {"value": 1}
    assert len(json.dumps(kept.answers[1])) < 300
    other = {"l": [1, 1] * MOST_LETTERS} if isinstance(long, dict) else long
    assert read_output(shortened({"value": other})) == read_output(kept.answers[1])
    assert read_output(shortened({"value": "y" * 100})) != read_output(kept.answers[1])


def test_what_is_no_answer_is_none_when_it_is_shortened():
    assert shortened({"exception": "TooLarge"}) is None


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"inputs": -1}, "options.inputs: must be a whole number"),
        ({"input": 1}, "options.input: unknown option; task code has .*inputs"),
    ],
)
def test_the_task_refuses_faulty_options(options, message):
    from workbench.tasks import TASKS

    with pytest.raises(ValueError, match=message):
        TASKS["code"].check(task(**options))
