"""Which program a text gives, rule by rule."""

import pytest

from workbench.tasks.code_problems import CodeProblem
from workbench.tasks.program_extraction import PROGRAM_RULES, find_program

QUESTION = 'import math\n\n\ndef double(n):\n    """Twice n."""\n'
BODY = "    return 2 * n\n"
WHOLE = "def double(n):\n    return 2 * n\n"


def problem(question=QUESTION):
    return CodeProblem(id="p", question=question, entry_point="double", tests="assert double(1)")


def fenced(source, end="\n```"):
    return f"Here it is:\n\n```python\n{source.rstrip()}{end}"


PRELUDE = "import math\n\n\n"
CASES = {
    # text: (program, rule, reaches to the end)
    "a body": (BODY, QUESTION + BODY, "continued", True),
    "a whole function": (WHOLE, PRELUDE + WHOLE, "whole", True),
    "a block": (fenced(WHOLE), PRELUDE + WHOLE, "fenced", False),
    "a block that is not closed": (fenced(WHOLE, ""), PRELUDE + WHOLE.rstrip(), "fenced", True),
    "a block with a body": (fenced(BODY), QUESTION + BODY, "fenced", False),
    "the last block that defines it": (
        fenced(WHOLE.replace("2", "3")) + "\nNo:\n" + fenced(WHOLE) + "\nUse:\n"
        + fenced("print(double(2))"),
        PRELUDE + WHOLE, "fenced", False,
    ),
    "a block in a list": (
        "1. So\n   ```\n   def double(n):\n       return 2 * n\n   ```", PRELUDE + WHOLE, "fenced",
        False,
    ),
    "a block of waves": (fenced(WHOLE).replace("```", "~~~"), PRELUDE + WHOLE, "fenced", False),
    "a faulty block": (fenced("def double(n)\n    1"), PRELUDE + "def double(n)\n    1\n", "fenced",
                       False),
    "prose behind a body": (
        BODY + "\nThis is the double of n.", QUESTION + BODY + "\n", "trimmed", False,
    ),
    "a second function that was cut": (
        BODY + "\n\ndef half(n):\n    return (", QUESTION + BODY + "\n\n", "trimmed", False,
    ),
    "a helper behind it": (
        "    return twice(n)\n\ndef twice(n):\n    return 2 * n\n",
        QUESTION + "    return twice(n)\n\ndef twice(n):\n    return 2 * n\n", "continued", True,
    ),
    "a body that was cut": ("    return (2 *", QUESTION + "    return (2 *", "continued", True),
    "a word that Python could read": ("no", None, "none", False),
    "another function": ("\ndef half(n):\n    return n / 2\n", None, "none", False),
    "prose": ("I do not know.", None, "none", False),
    "a block of something else": (fenced("pip install x"), None, "none", False),
    "nothing": ("\n", None, "none", False),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_a_text_that_goes_on_from_a_signature(case):
    text, source, rule, is_open = CASES[case]
    found = find_program(text, problem())
    assert (found.rule, found.is_open) == (rule, is_open)
    if source is None:
        assert found.source is None
    else:
        assert found.source.strip() == source.strip()


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        (WHOLE, "whole"),
        (fenced(WHOLE), "fenced"),
        (WHOLE + "\nIt doubles.", "trimmed"),
        ("double = lambda n: 2 * n", "whole"),
        (BODY, "none"),  # there is nothing to go on from
        ("The function double doubles.", "none"),
    ],
)
def test_a_question_in_words_needs_a_whole_program(text, rule):
    found = find_program(text, problem("Write a function that doubles."))
    assert found.rule == rule
    assert (found.source is None) == (rule == "none")


def test_every_rule_is_known():
    assert {rule for _, _, rule, _ in CASES.values()} == {*PROGRAM_RULES}


def test_a_text_of_many_lines_is_ended_at_one_of_the_first():
    assert find_program(BODY + "Another line of prose.\n" * 20_000, problem()).rule == "trimmed"
