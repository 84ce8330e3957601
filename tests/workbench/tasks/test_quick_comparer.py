from workbench.tasks.checkers import Checker
from workbench.tasks.quick_comparer import QuickComparer


def test_what_is_not_certain_at_once_stays_undecided():
    def hard(gold, answer):
        raise AssertionError("compared at length")

    quick = Checker(str, hard, lambda gold, answer: None if answer == "?" else gold == answer)
    comparer = QuickComparer(quick)
    found = comparer.run([("1", ["1", "2", "?", None, "?"]), (None, ["1"])])
    assert found == [({"1": True, "2": False, "?": None}, [-1] * 5), ({}, [-1])]


def test_each_answer_is_compared_once():
    asked = []

    def equal(gold, answer):
        asked.append(answer)
        return gold == answer

    comparer = QuickComparer(Checker(str.lower, equal))
    assert comparer.canonical("A") == "a"
    for _ in range(3):
        assert comparer.run([("a", ["a", "b", "a"])]) == [({"a": True, "b": False}, [-1] * 3)]
    assert asked == ["a", "b"]
