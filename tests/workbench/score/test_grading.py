"""What the samples of a block answer, by hand; a whole run of it is in test_score.py."""

import pyarrow as pa
import pytest

from workbench.config.schema import TaskSettings
from workbench.core.types import Known, Problem
from workbench.score.grading import grade
from workbench.tasks.answer_checking import Comparer
from workbench.tasks.checkers import CHECKERS, Checker


def known(**golds):
    return {name: Known(Problem(name, "?", gold), "") for name, gold in golds.items()}


def samples(*rows):
    names = ("problem_id", "completion", "stop_reason")
    return pa.table({name: [row[i] for row in rows] for i, name in enumerate(names)})


def graded(rows, problems, *, given=None, checker=None):
    task = TaskSettings(name="math500")
    with Comparer(checker or CHECKERS["math"], workers=1) as comparer:
        return grade(samples(*rows), problems, task, given, comparer)


ROWS = [
    ("p", r"\boxed{0.5}", "stop"),
    ("q", r"\boxed{1/2}", "stop"),
    ("p", r"\boxed{1/2}", "stop"),
    ("p", r"\boxed{3}", "length"),
    ("p", "no", "stop"),
    ("p", "no", "length"),
    ("p", r"\boxed{3}", "error"),  # a text that is not whole has no vote
    ("q", r"\boxed{3}", "stop"),
]


def test_by_hand():
    found = graded(ROWS, known(p=r"\frac12", q="3"))
    assert found.answers == ["0.5", "1/2", "1/2", "3", None, None, None, "3"]
    assert found.rules == ["boxed"] * 4 + ["none"] * 3 + ["boxed"]
    assert found.statuses == [
        "answered", "answered", "answered", "answered", "no_answer", "truncated", "error",
        "answered",
    ]  # fmt: skip
    assert found.correct == [True, False, True, False, False, False, None, True]
    assert found.clusters == [0, 0, 0, 1, -1, -1, -1, 1]  # numbered within each problem


def test_each_pair_of_spellings_is_compared_once_for_all_problems():
    asked = []

    def equal(gold, answer):
        asked.append((gold, answer))
        return gold == answer

    rows = [(name, rf"\boxed{{{answer}}}", "stop")
            for name in ("p", "q") for answer in ("7", "7.", " 7", "8")]  # fmt: skip
    checker = Checker(CHECKERS["math"].canonical, equal)
    found = graded(rows, known(p="7", q="7."), checker=checker)
    assert found.correct == [True, True, True, False] * 2
    assert sorted(asked) == [("7", "7"), ("7", "8"), ("8", "7")]


def test_a_comparison_that_is_unknown_is_a_timeout_and_joins_no_cluster():
    checker = Checker(str, lambda gold, answer: None)
    found = graded(ROWS[:2], known(p="x", q="x"), checker=checker)
    assert found.statuses == ["timeout", "timeout"]
    assert found.correct == [None, None]


def test_without_a_known_answer_nothing_is_right_or_wrong():
    found = graded(ROWS, known(p=None, q="3"))
    assert [c for c, row in zip(found.correct, ROWS, strict=True) if row[0] == "p"] == [None] * 6
    assert found.answers[0] is None
    assert found.correct[7] is True
    # no answer was looked for, so none is said to be missing
    assert found.statuses == [
        "ungraded", "answered", "ungraded", "truncated", "ungraded", "truncated", "error",
        "answered",
    ]  # fmt: skip


def test_a_sample_with_no_verdict_beside_others_that_have_one_is_ungraded():
    rows = [("p", "one way", "stop"), ("p", "another", "stop"), ("p", "a third", "stop")]
    given = pa.table({"is_correct": pa.array([True, None, False])})
    found = graded(rows, known(p=None), given=given)
    assert found.statuses == ["answered", "ungraded", "answered"]
    assert found.correct == [True, None, False]
    without = pa.table({"answer": pa.array(["1", None, "2"])})  # the file says that it has none
    assert graded(rows, known(p=None), given=without).statuses[1] == "no_answer"


@pytest.mark.parametrize("regrade", [False, True])
def test_what_an_imported_run_came_with_is_kept_unless_it_is_graded_afresh(regrade):
    rows = [("p", r"\boxed{1}", "stop"), ("p", r"\boxed{2}", "stop"), ("p", "no", "stop")]
    given = pa.table({
        "answer": pa.array(["2", "2", None]), "is_correct": pa.array([True, None, False]),
    })  # fmt: skip
    found = graded(rows, known(p="1"), given=None if regrade else given)
    if regrade:
        assert found.answers == ["1", "2", None]
        assert found.correct == [True, False, False]
    else:
        assert found.answers == ["2", "2", None]
        assert found.rules == ["given", "given", "none"]
        assert found.correct == [True, False, False]  # the second is graded: nothing was given
        assert found.statuses == ["answered", "answered", "no_answer"]


def test_a_text_that_is_an_answer_as_a_whole_and_was_cut_counts_where_it_is_right_so_far():
    rows = [
        ("p", "It is Paris, I", "length"), ("p", "It is Lyon, I", "length"),
        ("p", "It is Lyon, I", "stop"), ("p", "The answer is Lyon. It", "length"),
        ("q", "It is Rome, I", "length"),
    ]  # fmt: skip
    task = TaskSettings(name="jsonl", options={"compare": "contains"})
    with Comparer(CHECKERS["contains"], workers=1) as comparer:
        found = grade(samples(*rows), known(p="Paris", q="Paris"), task, None, comparer)
    assert found.statuses == ["answered", "truncated", "answered", "answered", "truncated"]
    assert found.correct == [True, False, False, False, False]
    assert found.rules == ["whole", "none", "whole", "phrase", "none"]
    assert found.answers[1] is None
    assert found.clusters == [1, -1, 0, 2, -1]  # it has no vote
