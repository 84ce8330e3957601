"""The arithmetic task: its problems, its worked examples, its answers."""

import re

import pytest

from workbench.config import schema as config
from workbench.tasks import TASKS, arithmetic
from workbench.tasks.checkers import CHECKERS


def settings(num_problems=30, **options):
    return config.TaskSettings(name="arithmetic", num_problems=num_problems, options=options)


def value_of(expression):
    """Add up an expression with Python's own arithmetic."""
    assert re.fullmatch(r"\d+( [+-] \d+)*", expression)
    return eval(expression)  # digits, plus and minus only


def test_problems_are_sums_with_their_values_and_none_comes_twice():
    problems = arithmetic.load(settings(60, max_terms=4, max_digits=2))
    assert [p.id for p in problems] == [f"problem-{i}" for i in range(60)]
    assert len({p.question for p in problems}) == 60
    for problem in problems:
        expression = problem.metadata["expression"]
        assert problem.question == f"What is {expression}?"
        assert int(problem.gold) == value_of(expression)
    lengths = {len(p.metadata["expression"].split()) for p in problems}
    assert lengths == {3, 5, 7}  # two to four terms


def test_a_larger_number_of_problems_only_adds():
    assert arithmetic.load(settings(24)) == arithmetic.load(settings(30))[:24]


def test_each_option_does_something():
    plain = arithmetic.load(settings(20))
    assert arithmetic.load(settings(20)) == plain
    other = arithmetic.load(settings(20, seed=1))
    assert [p.question for p in other] != [p.question for p in plain]
    # Neighbouring seeds of reasoning-gym share all problems but one; ours must not.
    assert len({p.question for p in other} & {p.question for p in plain}) < 10
    small = arithmetic.load(settings(60, max_digits=2, max_operand=40))
    numbers = [int(n) for p in small for n in re.findall(r"\d+", p.question)]
    assert 30 < max(numbers) <= 40
    long = arithmetic.load(settings(5, min_terms=4, max_terms=4, min_digits=3, max_digits=3))
    assert all(re.fullmatch(r"What is \d{3}( [+-] \d{3}){3}\?", p.question) for p in long)


def test_worked_examples_are_right_and_are_never_asked():
    everything = arithmetic.load(settings(184))  # 200 sums of two digits, 16 of them examples
    examples = arithmetic.examples(settings(1))
    assert len({e.question for e in examples}) == 16
    assert not {e.question for e in examples} & {p.question for p in everything}
    for example in arithmetic.examples(settings(1, max_terms=4, max_digits=2)):
        expression = example.question.removeprefix("What is ").removesuffix("?")
        answer, rule = TASKS["arithmetic"].extract(example.solution, settings(1))
        assert (int(answer), rule) == (value_of(expression), "boxed")


@pytest.mark.parametrize(
    ("expression", "solution"),
    [
        ("4 + 9", r"We add 4 and 9 to get 13. The answer is \boxed{13}."),
        ("4 - 9", r"We subtract 9 from 4 to get -5. The answer is \boxed{-5}."),
        (
            "4 + 9 - 5 + 1",
            r"We add 4 and 9 to get 13, then subtract 5 to get 8, then add 1 to get 9. "
            r"The answer is \boxed{9}.",
        ),
        ("7", r"It is 7. The answer is \boxed{7}."),
    ],
)
def test_solutions_by_hand(expression, solution):
    assert arithmetic._solution(expression) == solution


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ("07", "7"),
        ("+7", "7"),
        ("7.0", "7"),
        ("7.", "7"),
        ("000", "0"),
        ("-0", "0"),
        ("- 12", "-12"),
        (" $1,234$ ", "1234"),
        ("7.5", "7.5"),  # no integer: as it is
        ("1 2", "1 2"),
        ("1,23", "1,23"),
        ("seven ", "seven"),
    ],
)
def test_canonical_integers(answer, expected):
    assert CHECKERS["integer"].canonical(answer) == expected


def test_equality_is_that_of_integers():
    assert CHECKERS["integer"].equal("7", "07")
    assert not CHECKERS["integer"].equal("7", "-7")
    assert not CHECKERS["integer"].equal("7", "7.5")


def test_the_last_number_only_where_it_is_allowed():
    allowed = config.TaskSettings(name="arithmetic", last_number=True)
    assert TASKS["arithmetic"].extract("We get 13", allowed) == ("13", "last_number")
    assert TASKS["arithmetic"].extract("We get 13", settings()) == (None, "none")


@pytest.mark.parametrize(
    ("options", "fault"),
    [
        ({"max_digit": 2}, r"options.max_digit: unknown option; did you mean 'max_digits'\?"),
        ({"seed": -1}, "options.seed: must be at least 0, got -1"),
        ({"min_terms": 0}, "options.min_terms: must be at least 1, got 0"),
        ({"max_digits": "2"}, "options.max_digits: expected an integer, got '2'"),
        ({"max_digits": True}, "options.max_digits: expected an integer, got True"),
        ({"max_digits": None}, "options.max_digits: expected an integer, got None"),
        ({"min_terms": 3}, "options.min_terms: 3 is more than max_terms = 2"),
        ({"min_digits": 2}, "options.min_digits: 2 is more than max_digits = 1"),
        ({"min_digits": 2, "max_digits": 2, "max_operand": 9}, "options.max_operand: 9 is less"),
    ],
)
def test_bad_options_are_refused(options, fault):
    with pytest.raises(ValueError, match=fault):
        arithmetic.check(settings(5, **options))


def test_all_faults_at_once():
    bad = config.TaskSettings(
        name="arithmetic", source="x", few_shot=17, options={"a": 1, "seed": -1}
    )
    with pytest.raises(ValueError, match=r"options\.a") as error:
        arithmetic.check(bad)
    keys = [line.split(":")[0] for line in str(error.value).splitlines()]
    assert keys == ["options.a", "options.seed", "num_problems", "source", "few_shot"]


def test_more_problems_than_there_are():
    with pytest.raises(ValueError, match=r"only 184 different problems .* asks for 185"):
        arithmetic.load(settings(185))
    with pytest.raises(ValueError, match="only 0 different problems"):
        arithmetic.load(settings(1, max_operand=1))  # eight sums, all of them examples
