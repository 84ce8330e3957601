"""Choices: how they are read and shown, and which letter a text gives."""

import gzip
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.tasks.multiple_choice import (
    extract_choice,
    letter_of,
    question_with_choices,
    read_choices,
)

DATA = Path(__file__).resolve().parents[4] / "shared" / "data" / "generations"


@pytest.mark.parametrize(
    ("text", "letter", "rule"),
    [
        (r"so \boxed{B}.", "B", "boxed"),
        (r"\boxed{A}, no: \boxed{\text{(C)}}", "C", "boxed"),
        (r"$\boxed{\textbf{(A)}}$", "A", "boxed"),
        (r"\boxed{b}", "B", "boxed"),
        (r"\boxed{D. 12 miles}", "D", "boxed"),
        (r"The answer is B, so \boxed{12}", "B", "phrase"),  # that box holds no letter
        (r"\boxed{A, B}", None, "none"),
        ("The answer is (B).", "B", "phrase"),
        ("the answer is: B", "B", "phrase"),
        ("The correct answer is option C because ...", "C", "phrase"),
        ("Answer: **D**", "D", "phrase"),
        ("**Answer:** D", "D", "phrase"),
        ('Action: Answer("B")', "B", "phrase"),
        ("The answer is \N{LEFT DOUBLE QUOTATION MARK}B", "B", "phrase"),
        (r"the answer is $\mathbf{(C)}$ -4.", "C", "phrase"),
        (r"The answer is $\textbf{(D) } 25$.", "D", "phrase"),
        ("The answer is D: 3.85 miles", "D", "phrase"),
        ("The answer is A. No, the answer is B.", "B", "phrase"),  # the last one
        ("Answer(A) or Answer(C)", "C", "phrase"),
        ("The answer is A because 2 is a prime", "A", "phrase"),
        # no letters
        ('Answer("None of the above")', None, "none"),
        ("The answer is None of the above.", None, "none"),
        ("The answer is not listed. The closest answer is B: 5", None, "none"),
        ("The answer is B. But then the answer is not listed", None, "none"),
        ("The answer is a prime number", None, "none"),
        ("The answer is A train that leaves at four", None, "none"),
        ("The answer is I think too large", None, "none"),
        ("The answer is Blue", None, "none"),
        ("The answer is B's", None, "none"),
        ("The answer is C = 5", None, "none"),
        ("The answer is C^2", None, "none"),
        ("The answer is A or C", None, "none"),
        ('Answer("A and B")', None, "none"),
        ("(A)/(B)", None, "none"),
        # marked letters, where nothing else is said
        ("I choose **B**", "B", "letter"),
        ("**B) 12 miles**", "B", "letter"),
        ("It rains.\n(C)\n", "C", "letter"),
        ("B", "B", "letter"),
        (" D.", "D", "letter"),
        ("B) 12 miles", "B", "letter"),
        ("(B) 12 miles\nsince 3 * 4 = 12", "B", "letter"),
        ("A) 1\nB) 2\nC) 3", None, "none"),  # the choices again
        ("A) 1\nB) 2\nC) 3\n\nC", "C", "letter"),
        ("A) 1\nB) 2\n**A**", "A", "letter"),
        ("Because it is so", None, "none"),
        ("", None, "none"),
    ],
)
def test_extraction_by_hand(text, letter, rule):
    assert extract_choice(text) == (letter, rule)


@given(st.text(max_size=200))
def test_any_text_is_read(text):
    letter, rule = extract_choice(text)
    assert (letter is None) == (rule == "none")
    assert letter is None or (letter.isascii() and letter.isupper() and len(letter) == 1)


def test_choices_as_a_list_or_by_letter():
    assert read_choices({"choices": ["x", 2]}) == {"A": "x", "B": "2"}
    assert read_choices({"choices": {"B": " x ", "D": 2.5}}) == {"B": "x", "D": "2.5"}
    assert question_with_choices("Which?", {"A": "x", "B": "2"}) == "Which?\nA. x\nB. 2"


@pytest.mark.parametrize(
    ("choices", "fault"),
    [
        (["x"], "2 to 26 of them, got 1"),
        (["x"] * 27, "2 to 26 of them, got 27"),
        ({"A": "x"}, "must be a list, or an object by letter"),
        ("A, B", "must be a list, or an object by letter, got 'A, B'"),
        ({"a": "x", "B": "y"}, "by capital letters, got 'a'"),
        ({"AB": "x", "B": "y"}, "by capital letters, got 'AB'"),
        (["x", ["y"]], r"choice B must be a text or a number, got \['y'\]"),
        (["x", None], "choice B must be a text or a number, got None"),
        (["x", True], "choice B must be a text or a number, got True"),
    ],
)
def test_bad_choices(choices, fault):
    with pytest.raises(ValueError, match=fault):
        read_choices({"choices": choices})


THREE = {"A": "Rome", "B": "Paris", "C": "Oslo"}


@pytest.mark.parametrize(
    ("gold", "choices", "letter"),
    [
        ("B", THREE, "B"),
        ("(b)", THREE, "B"),
        ("Paris", THREE, "B"),
        (1, THREE, "B"),  # a place from 0
        (0, {"B": "x", "D": "y"}, "B"),
        ("C", {}, "C"),  # the question shows its choices itself
        ("2", {"A": "1", "B": "2"}, "B"),  # in quotes it is a text and no place
        (1, {"A": "0", "B": "1"}, "B"),  # the same, however it is read
        ("B", {"A": "A", "B": "B"}, "B"),
        (12, {"A": "12", "B": "13"}, "A"),
    ],
)
def test_the_letter_of_the_known_answer(gold, choices, letter):
    assert letter_of(gold, choices) == letter


@pytest.mark.parametrize(
    ("gold", "choices", "fault"),
    [
        ("D", THREE, "'D' is neither a letter of A, B, C, nor the text"),
        ("paris", THREE, "neither a letter"),
        (3, THREE, "3 is neither a letter .* nor .* a place from 0"),
        (-1, THREE, "-1 is neither"),
        (1.0, THREE, "1.0 is neither"),
        ("B", {"A": "B", "B": "A"}, "may be the text of choice A or the letter B"),
        (1, {"A": "1", "B": "2"}, "may be the text of choice A or the choice at place 1"),
        ("x", {"A": "x", "B": "x"}, "may be the text of choice A or the text of choice B"),
        ("Paris", {}, "'Paris' is no letter; give the letter, or the key 'choices'"),
        (1, {}, "1 is no letter"),
    ],
)
def test_an_unclear_known_answer_is_refused(gold, choices, fault):
    with pytest.raises(ValueError, match=fault):
        letter_of(gold, choices)


def test_real_answers_against_the_labels_of_their_own_parser():
    path = DATA / "renze_gpt35_math_mcq.jsonl.gz"
    if not path.exists():
        pytest.skip(f"no real data at {path}")
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines]
    lost, found, other = [], [], []
    for row in rows:
        letter, _ = extract_choice(row["text"])
        if (letter == row["gold"]) is row["correct"]:
            continue
        kind = lost if row["correct"] else found if row["answer"] not in tuple("ABCDE") else other
        kind.append(row["text"].strip().splitlines()[-1])
    assert len(rows) == 21975
    # Theirs is the first letter of the first `Action: Answer("...")`. Ours finds what was answered
    # in other words, takes the last of several answers, and none where two letters are given.
    assert len(found) == FOUND
    assert len(other) == OTHER
    assert len(lost) == LOST
    assert (len(found) + len(other) + len(lost)) / len(rows) < 0.004


FOUND, OTHER, LOST = 60, 7, 6
