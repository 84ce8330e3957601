"""Which rule a right answer hangs on, by hand; and only right answers are asked about."""

import pytest

from workbench.tasks.checkers import CHECKERS, mathematics, numeric
from workbench.tasks.lenient_rules import LENIENT_RULES, lenient_rule


@pytest.mark.parametrize(
    ("gold", "answer", "rule"),
    [
        ("7", "7", None),
        ("7", "$7.0$", None),
        ("1234", "1,234", None),
        (r"\frac{1}{2}", "0.5", None),
        ("x+1", "1+x", None),
        (r"50\%", "0.5", "percent"),
        ("50", "50%", "percent"),
        ("18", "18 dollars", "units"),
        (r"60\text{ km/h}", "60", "units"),
        (r"\frac{\pi}{2}", "90 degrees", "units"),
        ("3 hours", "180 minutes", None),
        ("1500000", "1.5 million", None),
        ("1/3", "0.333333", "rounding"),
        (r"\frac{\pi}{3}", "1.0471976", "rounding"),
        (r"\sqrt{2.25}", "1.5", None),
        (r"\text{Evelyn}", "evelyn", "text"),
        ("1, 2", "2, 1", "order"),
        ("(1, 2)", "1, 2", "order"),
        (r"\{1, 2\}", r"\{2, 1\}", None),
        ("(1/3, 2)", "(0.333333, 2)", "rounding"),
        ("(1, 2)", "(1.0, 2)", None),
    ],
)
def test_by_hand(gold, answer, rule):
    assert lenient_rule(gold, answer) == rule
    assert rule is None or rule in LENIENT_RULES
    checkers = (*CHECKERS.values(), mathematics(any_order=True), numeric(0.01))
    right = [checker.equal(gold, answer) for checker in checkers]
    assert True in right or gold == r"\frac{\pi}{2}"
