"""Any JSONL: its comparisons, its choices, its worked examples, its faults."""

import json
import re
from pathlib import Path

import pytest

from workbench.config import schema as config
from workbench.tasks import TASKS, jsonl
from workbench.tasks.prompts import build_prompts
from workbench.tasks.worked_examples import worked_examples

QUIZ = Path(__file__).resolve().parents[3] / "experiments" / "problems"
CHOICE = {"problem": "Which?", "choices": ["Rome", "Paris"], "gold": "B", "level": 3}
PLAIN = {"id": "p", "problem": "1+1?", "gold": "2"}


@pytest.fixture
def settings(tmp_path):
    """A function: rows of problems, options -> settings; ``examples`` may be rows too."""

    def make(rows, few_shot=0, num_problems=None, last_number=False, **options):
        def write(name, rows):
            (tmp_path / name).write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
            return str(tmp_path / name)

        if isinstance(options.get("examples"), list):
            options["examples"] = write("examples.jsonl", options["examples"])
        return config.TaskSettings(
            name="jsonl", source=write("p.jsonl", rows), few_shot=few_shot, options=options,
            num_problems=num_problems, last_number=last_number,
        )  # fmt: skip

    return make


def test_math_is_the_default(settings):
    chosen = settings([PLAIN | {"extra": 1}])
    (problem,) = jsonl.load(chosen)
    assert (problem.id, problem.gold, problem.metadata) == ("p", "2", {"extra": 1})
    assert jsonl.checker(chosen).equal(r"\frac12", "0.5") is True
    assert not TASKS["jsonl"].on_hub(chosen)


@pytest.mark.parametrize(
    ("compare", "answer", "right"),
    [
        ("exact", "PARIS", True),
        ("exact", r"\frac{2}{1}", False),
        ("numeric", "2.00 apples", True),
        ("numeric", "2.01", False),
        ("math", r"\frac{4}{2}", True),
        ("math", "2.01", False),
    ],
)
def test_each_comparison(settings, compare, answer, right):
    gold = "Paris" if answer == "PARIS" else "2"
    chosen = settings([PLAIN], compare=compare)
    found, rule = jsonl.extract(rf"So \boxed{{{answer}}}", chosen)
    assert rule == "boxed"
    assert jsonl.checker(chosen).equal(gold, found) is right


def test_the_tolerance_is_used(settings):
    assert jsonl.checker(settings([PLAIN], compare="numeric")).equal("2", "2.01") is False
    near = settings([PLAIN], compare="numeric", tolerance=0.01)
    assert jsonl.checker(near).equal("2", "2.01") is True


def test_choices_are_shown_and_the_known_answer_is_a_letter(settings):
    by_text = CHOICE | {"gold": "Rome"}
    by_place = CHOICE | {"gold": 1, "choices": {"C": "Rome", "D": "Paris"}}
    written = {"problem": "Which?\nA: x\nB: y", "gold": "b"}
    chosen = settings([CHOICE, by_text, by_place, written], compare="choice")
    problems = jsonl.load(chosen)
    assert [p.gold for p in problems] == ["B", "A", "D", "B"]
    assert problems[0].question == "Which?\nA. Rome\nB. Paris"
    assert problems[2].question == "Which?\nC. Rome\nD. Paris"
    assert problems[3].question == written["problem"]
    assert problems[0].metadata["level"] == 3
    assert jsonl.extract("The answer is (B).", chosen) == ("B", "phrase")
    assert jsonl.checker(chosen).equal("B", "B") is True


def test_without_choice_a_letter_is_looked_for_as_any_answer(settings):
    assert jsonl.extract("B) 12", settings([PLAIN])) == (None, "none")
    assert jsonl.extract("It is 12", settings([PLAIN], last_number=True)) == ("12", "last_number")


def test_worked_examples_stand_in_the_prompt_as_the_problems_do(settings):
    worked = {"problem": "Where?", "choices": ["x", "y"], "solution": r" It is \boxed{A}. "}
    chosen = settings([CHOICE], compare="choice", examples=[worked], few_shot=1)
    (prompt,) = build_prompts(jsonl.load(chosen), TASKS["jsonl"], chosen)
    messages = prompt.messages
    assert [m["content"] for m in messages[1:]] == [
        "Where?\nA. x\nB. y", r"It is \boxed{A}.", "Which?\nA. Rome\nB. Paris",
    ]  # fmt: skip
    assert jsonl.examples(settings([PLAIN])) == []


def test_an_example_that_is_also_a_problem_is_refused(settings):
    examples = [{"problem": "9+9?", "solution": "18"}, {"problem": "1+1?", "solution": "2"}]
    chosen = settings([PLAIN], examples=examples, few_shot=2)
    with pytest.raises(ValueError, match=r"'1\+1\?' of .*examples.jsonl is also problem p"):
        build_prompts(jsonl.load(chosen), TASKS["jsonl"], chosen)


@pytest.mark.parametrize(
    ("options", "faults"),
    [
        (
            {"comparr": "math"},
            ["options.comparr: unknown option 'comparr'; did you mean 'compare'"],
        ),
        (
            {"compare": "maths"},
            ["options.compare: unknown comparison 'maths'; did you mean 'math'"],
        ),
        ({"compare": 3}, ["options.compare: unknown comparison '3'"]),
        ({"compare": ["math"]}, ["options.compare: unknown comparison"]),
        ({"tolerance": 0.1}, ["options.tolerance: only numbers have one; set options.compare"]),
        (
            {"compare": "numeric", "tolerance": 1},
            ["options.tolerance: .* at least 0 and below 1, got 1"],
        ),
        ({"compare": "numeric", "tolerance": "1%"}, ["options.tolerance: .* got '1%'"]),
        (
            {"compare": "choice", "last_number": True},
            ["last_number: with compare: choice no number is looked for"],
        ),
        ({"labels": ["yes", "no"]}, ["options.labels: set options.compare to text"]),
        ({"compare": "text", "labels": ["yes"]}, [r"options.labels: .* got \['yes'\]"]),
        ({"compare": "text", "labels": ["no", "No."]}, ["options.labels: .* two or more diff"]),
        ({"compare": "regex"}, ["options.pattern: missing; compare: regex needs it"]),
        ({"pattern": "x"}, ["options.pattern: set options.compare to regex"]),
        ({"compare": "regex", "pattern": "("}, [r"options.pattern: '\(' is no regular .*missing"]),
        ({"compare": "regex", "pattern": 3}, ["options.pattern: must be a regular .*got 3"]),
        ({"compare": "contains", "whole_text": True}, ["options.whole_text: set options.compare"]),
        ({"few_shot": 2}, ["few_shot: 2 worked examples are asked for; give a file of them"]),
        ({"examples": "no.jsonl"}, ["options.examples: there is no file no.jsonl"]),
        ({"examples": 3}, ["options.examples: expected the path of a JSONL file, got 3"]),
        (
            {"examples": [{"problem": "x", "solution": "y"}], "few_shot": 2},
            ["few_shot: 2 worked examples are asked for, .*examples.jsonl has 1"],
        ),
        (
            {"examples": [{"problem": "x"}], "few_shot": 1},
            ["options.examples: .*line 1: no solution: needs the key 'solution'"],
        ),
    ],
)
def test_bad_options_are_refused_a_line_each(settings, options, faults):
    with pytest.raises(ValueError, match=r"^[a-z_.]+: ") as error:
        jsonl.check(settings([PLAIN], **options))
    lines = str(error.value).splitlines()
    assert len(lines) == len(faults)
    assert all(re.match(fault, line) for fault, line in zip(faults, lines, strict=True))


def test_a_source_is_needed_and_has_to_be_there():
    with pytest.raises(ValueError, match=r"source: missing; give .* 'problem' and 'gold'"):
        jsonl.check(config.TaskSettings(name="jsonl"))
    with pytest.raises(ValueError, match=r"source: there is no file OWNER/name"):
        jsonl.check(config.TaskSettings(name="jsonl", source="OWNER/name"))


@pytest.mark.parametrize(
    ("row", "compare", "fault"),
    [
        (CHOICE, "math", "has 'choices', which are shown only with task.options.compare: choice"),
        (CHOICE | {"gold": "C"}, "choice", "'C' is neither a letter of A, B"),
        (CHOICE | {"gold": "A", "choices": ["x", "A"]}, "choice", "may be the text of choice B or"),
        (CHOICE | {"choices": "A, B"}, "choice", "must be a list"),
        (CHOICE | {"gold": None}, "choice", "no known answer"),
        ({"problem": "x", "gold": "Paris"}, "choice", "'Paris' is no letter"),
    ],
)
def test_a_bad_line_is_named(settings, row, compare, fault):
    with pytest.raises(ValueError, match=f"line 2: .*{fault}"):
        jsonl.load(settings([PLAIN | {"gold": "B"}, row], compare=compare))


def test_a_changed_file_is_read_again(settings):
    assert jsonl.load(settings([PLAIN]))[0].gold == "2"
    assert jsonl.load(settings([PLAIN | {"gold": "3"}, PLAIN | {"id": "q"}]))[0].gold == "3"


def test_the_quiz_that_comes_with_the_project_has_one_right_answer_each():
    rows = [json.loads(line) for line in (QUIZ / "quiz.jsonl").read_text().splitlines()]
    assert len(rows) == 30
    assert all(len(set(row["choices"])) == 4 for row in rows)
    letters = [row["gold"] for row in rows]
    assert min(letters.count(letter) for letter in "ABCD") >= 7  # no letter is a good guess
    chosen = config.TaskSettings(
        name="jsonl", source=str(QUIZ / "quiz.jsonl"), few_shot=4,
        examples=str(QUIZ / "quiz_examples.jsonl"), options={"compare": "choice"},
    )  # fmt: skip
    examples = worked_examples(TASKS["jsonl"], chosen)
    answers = [jsonl.extract(example.solution, chosen)[0] for example in examples]
    assert answers == ["B", "D", "A", "C"]
