"""Reading an answer takes time in proportion to the text, whatever stands in it."""

import time

import pytest

from workbench.tasks.answer_extraction import extract_answer
from workbench.tasks.answer_forms import read_form
from workbench.tasks.checkers import CHECKERS
from workbench.tasks.multiple_choice import extract_choice

PIECES = [
    "\n", " ", ".", r"\boxed{", r"\boxed", "{", "}", "\\", "$$", r"\[", "**A", "A\n", "(A",
    "answer is", "The answer is ", "answer:\n", "\n####", "final answer\n", "12 ", "1,234", ",234",
    "1 234 ", "- ", r"\text{a", "sqrt(", r"\frac1", "x<", r"\cup", "or ", "ab ", "is ", "^",
]  # fmt: skip
FRAMES = [("", ""), ("The answer is", "5"), (r"\boxed{", "x"), ("(", r"\boxed{5}")]
LIMIT = 1.0
"""Seconds for 4,000 characters, which take hundredths; read by backtracking, they took 25."""


@pytest.mark.parametrize("piece", PIECES)
def test_time_is_linear(piece):
    for before, after in FRAMES:
        text = before + piece * (4_000 // len(piece)) + after
        start = time.process_time()
        extract_answer(text, last_number=True)
        extract_choice(text)
        for checker in CHECKERS.values():
            checker.canonical(text)
        read_form(text)
        assert time.process_time() - start < LIMIT, (before, after)
