import re
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.config.schema import TaskSettings
from workbench.tasks import TASKS
from workbench.tasks.answer_checking import Comparer
from workbench.tasks.text_answers import folded_text

JSONL = TASKS["jsonl"]


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        ("Paris.", "paris"), ("  the  Nile River! ", "nile river"), ("An apple a day", "apple day"),
        ("U.S.", "us"), ("don't", "dont"), ("well\u2013known", "well known"),
        ("either/or", "either or"),
        ("f(x)", "f x"), ("He said \u201cno\u201d", "he said no"), (r"\text{Paris}", "paris"),
        ("3.5", "3.5"), ("-2", "-2"), ("x - 2", "x 2"), ("1,000,000", "1000000"), ("1,5", "1,5"),
        ("10:30", "10:30"), ("3/4", "3/4"), ("C#", "c#"), ("C++", "c++"), ("$5", "5"),
        ("50%", "50"),
        ("Z\u00fcrich", "zurich"), ("Zu\u0308rich", "zurich"), ("\u0439", "\u0439"),
        ("\u5317\u4eac\u3002", "\u5317\u4eac"),
        ("The", "the"), ("A", "a"), ("?!", "?!"), ("", ""),
    ],
)  # fmt: skip
def test_texts_by_hand(text, folded):
    assert folded_text(text) == folded


@given(st.text("aAntThe .,!?'\"();", max_size=30))
def test_it_is_the_normalisation_of_squad(text):
    """Rajpurkar et al. 2016, ``normalize_answer``; there dashes and brackets are taken out."""
    lower = text.translate(str.maketrans("()", "  ")).lower()
    bare = "".join(letter for letter in lower if letter not in string.punctuation)
    theirs = " ".join(re.sub(r"\b(a|an|the)\b", " ", bare).split())
    assert folded_text(text) == theirs or not theirs


def verdicts(gold, texts, **options):
    """Return of each text the rule, the answer and the verdict, and all clusters."""
    task = TaskSettings(name="jsonl", options=options)
    checker = JSONL.checker(task)
    found = [JSONL.extract(text, task) for text in texts]
    spelt = [None if answer is None else checker.canonical(answer) for answer, _ in found]
    with Comparer(checker) as comparer:
        ((right, clusters),) = comparer.run([(checker.canonical(gold), spelt)])
    return [(rule, right.get(text)) for (_, rule), text in zip(found, spelt, strict=True)], clusters


def test_an_answer_contains_the_known_one_as_whole_words():
    found, clusters = verdicts(
        "Paris",
        ["The capital of France is Paris.", "paris", "Parisian", "Comparison", "",
         "I first thought of Paris. The answer is Lyon.", "It is paris", r"\boxed{\text{Paris}}"],
        compare="contains",
    )  # fmt: skip
    assert found == [
        ("whole", True), ("whole", True), ("whole", False), ("whole", False), ("none", None),
        ("phrase", False), ("whole", True), ("boxed", True),
    ]  # fmt: skip
    assert clusters[1] == clusters[7]  # the same words; one that contains the other is another
    assert len({*clusters}) == 7
    beijing = ["\u9996\u90fd\u662f\u5317\u4eac\u3002"]
    assert verdicts("\u5317\u4eac", beijing, compare="contains")[0] == [("whole", True)]


def test_a_number_on_the_way_is_no_answer_in_words():
    (found,), _ = verdicts("Paris", ["Paris. Its population is 2."], compare="contains")
    assert found == ("whole", True)


def test_texts_are_compared_without_what_does_not_matter():
    texts = ["The answer is the Eiffel Tower!", r"\boxed{eiffel-tower}", "Eiffel tower"]
    found, clusters = verdicts("Eiffel Tower", texts, compare="text")
    assert (found, clusters) == ([("phrase", True), ("boxed", True), ("none", None)], [0, 0, -1])
    assert verdicts("Eiffel Tower", texts[2:], compare="text", whole_text=True)[0] == [
        ("whole", True)
    ]


@pytest.mark.parametrize(
    ("text", "rule", "right"),
    [
        ("Yes, although many would say no.", "label", True), ("**Yes**", "label", True),
        ("At first no. On reflection: yes", "label", True), ("The answer is no.", "phrase", False),
        ("No", "label", False), (r"\boxed{\text{YES}}", "boxed", True), ("Maybe.", "none", None),
        ("I know nothing.", "none", None), ("The answer is unclear. I lean to yes.", "label", True),
        ("There is no definitive answer.", "none", None), ("That is clear: no", "label", False),
        ("While it is true that some say so, most do not.", "none", None),
        ("It is no longer so. Is it? No, because times change.", "label", False),
    ],
)  # fmt: skip
def test_a_label_is_what_a_text_begins_with_or_names_last(text, rule, right):
    (found,), _ = verdicts("Yes", [text], compare="text", labels=["yes", "no"])
    assert found == (rule, right)


def test_a_label_of_several_words_may_begin_with_no():
    labels = ["no change", "increase"]
    (found,), _ = verdicts("no change", ["I see no change here"], compare="text", labels=labels)
    assert found == ("label", True)


def test_yes_is_true_and_no_is_false_where_there_are_no_other_labels():
    for gold, labels in (("true", ["true", "false"]), ("Yes", ["Yes", "No"])):
        texts = ["Yes.", "True", "No", "It is false"]
        found, clusters = verdicts(gold, texts, compare="text", labels=labels)
        assert [right for _, right in found] == [True, True, False, False]
        assert clusters == [1, 1, 0, 0]
    assert verdicts("true", ["Yes"], compare="text", labels=["true", "false", "unknown"])[0] == [
        ("none", None)
    ]


def test_the_longest_of_several_labels_is_meant():
    labels = ["agree", "strongly agree", "disagree"]
    for text, right in [("Strongly agree.", True), ("Agree", False), ("I strongly agree", True)]:
        (found,), _ = verdicts("strongly agree", [text], compare="text", labels=labels)
        assert found == ("label", right)


def test_a_pattern_finds_the_answer():
    pattern = r"Score:\s*(\d+)|(\d+) points"
    texts = ["Score: 7 of 10", "It gets 7 points", "Score: 8, not 7", "7", r"\boxed{7}"]
    found, clusters = verdicts("7", texts, compare="regex", pattern=pattern)
    assert found == [
        ("pattern", True),
        ("pattern", True),
        ("pattern", False),
        *[("none", None)] * 2,
    ]
    assert clusters == [0, 0, 1, -1, -1]
    (found,), _ = verdicts("Rome", ["from Rome"], compare="regex", pattern=r"[A-Z]\w+")
    assert found == ("pattern", True)


def test_a_known_answer_that_is_no_label_is_refused(tmp_path):
    path = tmp_path / "problems.jsonl"
    path.write_text('{"problem": "?", "gold": "yes"}\n{"problem": "!", "gold": "perhaps"}\n')
    options = {"compare": "text", "labels": ["Yes", "No"]}
    task = TaskSettings(name="jsonl", source=str(path), options=options)
    with pytest.raises(ValueError, match=r"labels: the known answer 'perhaps' is none of .*Yes"):
        JSONL.load(task)
