"""Which calls a problem's programs are compared on."""

import pytest

from workbench.behaviour.inputs import (
    OPTIONS,
    InputSettings,
    problem_calls,
    read_input_options,
)

TESTS = "assert half(8) == 4\nassert half(10) == 5\nassert half(99) == 49.5"
PROMPT = "def half(x):\n    '''half(4) is 2'''"


def calls(**settings):
    return problem_calls(
        "p", "half", InputSettings(**settings), 0, examples=[(2,)], prompt=PROMPT, tests=TESTS
    )


def test_examples_come_first_and_then_tests_and_what_is_made_of_them():
    assert calls(visible_tests=2, inputs=4) == [(2,), (4,), (8,), (10,)]
    assert calls(visible_tests=2, inputs=30)[:4] == [(2,), (4,), (8,), (10,)]
    assert len(calls(visible_tests=2, inputs=12)) == 12


def test_hidden_tests_give_nothing():
    assert not {(8,), (10,), (99,)} & {*calls(inputs=3)}
    assert calls(inputs=3, input_sources=("examples", "tests")) == [(2,), (4,)]
    hidden = InputSettings(input_sources=("tests",), visible_tests=0)
    assert problem_calls("p", "half", hidden, 0, tests="not ( python") == []


def test_all_tests_are_visible_where_none_is_hidden():
    assert calls(visible_tests=None, input_sources=("tests",)) == [(8,), (10,), (99,)]


def test_candidate_is_the_entry_point():
    settings = InputSettings(input_sources=("tests",), visible_tests=None)
    tests = "def check(candidate):\n    assert candidate(3) == 1.5"
    assert problem_calls("p", "half", settings, 0, tests=tests) == [(3,)]


def test_the_bound_holds_for_known_calls_too():
    assert calls(visible_tests=None, inputs=3) == [(2,), (4,), (8,)]
    assert calls(inputs=0) == []


def test_the_seed_and_the_problem_decide_what_is_made():
    def made(problem, seed):
        return problem_calls(problem, "half", InputSettings(), seed, prompt=PROMPT)

    assert made("p", 0) == made("p", 0)
    assert made("p", 0) != made("p", 1)
    assert made("p", 0) != made("q", 0)


def test_a_sources_place_in_the_list_does_not_matter():
    assert calls(input_sources=("tests", "examples"), visible_tests=1) == [(2,), (4,), (8,)]


def test_options_are_read_and_others_passed_over():
    given = {"inputs": 7, "input_sources": ["examples"], "tolerance": 0, "sandbox": "unsafe"}
    read = read_input_options(given)
    assert read == InputSettings(inputs=7, input_sources=("examples",), tolerance=0)
    assert read_input_options({}, visible_tests=None) == InputSettings(visible_tests=None)
    assert read_input_options({"visible_tests": 2}, None) == InputSettings(visible_tests=2)
    assert read_input_options({"visible_tests": "all"}) == InputSettings(visible_tests=None)
    assert OPTIONS == ("inputs", "input_sources", "visible_tests", "tolerance")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"inputs": -1}, "options.inputs: must be a whole number of calls from 0 on, got -1"),
        ({"inputs": True}, "options.inputs: .* got True"),
        ({"inputs": "20"}, "options.inputs: .* got '20'"),
        ({"visible_tests": "some"}, "options.visible_tests: .* or 'all', got 'some'"),
        ({"visible_tests": 1.5}, "options.visible_tests: .* got 1.5"),
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
