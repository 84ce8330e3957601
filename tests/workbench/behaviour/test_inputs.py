"""Which calls a problem's programs are compared on."""

import pytest

from workbench.behaviour.inputs import (
    OPTIONS,
    InputSettings,
    input_option_faults,
    problem_calls,
    read_input_options,
)

VISIBLE = ["assert half(8) == 4", "assert half(10) == 5"]


def calls(problem="p", seed=0, **settings):
    return problem_calls(
        problem, "half", InputSettings(**settings), seed,
        prompts=["def half(x):\n    '''half(4) is 2'''", "half(4), half(6)"],
        examples=["assert half(2) == 1"], visible_tests=VISIBLE,
    )  # fmt: skip


def test_examples_come_first_and_then_tests_and_what_is_made_of_them():
    assert calls(inputs=5) == [(2,), (4,), (6,), (8,), (10,)]
    assert calls(inputs=9)[:5] == [(2,), (4,), (6,), (8,), (10,)]
    assert len(calls(inputs=9)) == 9


def test_only_sources_that_are_named_are_used():
    assert calls(input_sources=("tests",)) == [(8,), (10,)]
    assert calls(input_sources=("examples",)) == [(2,), (4,), (6,)]
    assert calls(input_sources=("tests", "examples")) == [(2,), (4,), (6,), (8,), (10,)]
    assert len(calls(input_sources=("tests", "mutations"), inputs=4)) == 4


def test_the_bound_holds_for_known_calls_too():
    assert calls(inputs=3) == [(2,), (4,), (6,)]
    assert calls(inputs=0) == []


def test_the_seed_and_the_problem_decide_what_is_made():
    assert calls("p", 0) == calls("p", 0)
    assert calls("p", 0) != calls("p", 1)
    assert calls("p", 0) != calls("q", 0)


def test_options_are_read_and_others_passed_over():
    given = {"inputs": 7, "input_sources": ["examples"], "tolerance": 0, "visible_tests": 2}
    read = read_input_options(given)
    assert read == InputSettings(inputs=7, input_sources=("examples",), tolerance=0)
    assert read_input_options({}) == InputSettings()
    assert OPTIONS == ("inputs", "input_sources", "tolerance")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"inputs": -1}, "options.inputs: must be a whole number of calls from 0 on, got -1"),
        ({"inputs": True}, "options.inputs: .* got True"),
        ({"inputs": "20"}, "options.inputs: .* got '20'"),
        ({"input_sources": "tests"}, "options.input_sources: must be a list of examples, tests"),
        ({"input_sources": [3]}, "options.input_sources: must be a list"),
        ({"input_sources": ["test"]}, "options.input_sources: .*did you mean 'tests'"),
        ({"input_sources": ["mutations"]}, "mutations change known calls; add another source"),
        ({"tolerance": -0.1}, "options.tolerance: must be at least 0 and below 1, got -0.1"),
        ({"tolerance": float("nan")}, "options.tolerance: .* got nan"),
        ({"inputs": -1, "tolerance": 1}, "(?s)options.inputs.*\noptions.tolerance"),
    ],
)
def test_impossible_options_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        read_input_options(options)
    assert len(input_option_faults(options)) == len(options)
