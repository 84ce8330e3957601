"""How an import compares answers where the user does not say, and what it asks about accuracy."""

import json

import pytest

from workbench.analysis.aggregate import AGGREGATORS
from workbench.config.schema import TaskSettings
from workbench.interchange import importer
from workbench.interchange.importer import import_file
from workbench.interchange.sample_files import SampleFiles
from workbench.saved_run import Run
from workbench.tasks import TASKS
from workbench.tasks.doubtful_accuracy import Correctness, doubt
from workbench.tasks.gold_kinds import gold_kind, options_of_golds

CHEAP = ("measure.metrics=[distinct_1]", "selection.aggregators=[maj]")

FEW = "samples (so few that it may be chance)"


@pytest.fixture
def brought(tmp_path, monkeypatch, capsys):
    """A function: rows of (known answer, text, answer) -> the task of the run, what was said."""
    monkeypatch.setattr(importer, "environment", dict)

    def bring(rows, *overrides, columns=(), **options):
        names = ("gold", "text", "answer")
        samples = [
            {"problem_id": f"p{row[0]}"} | dict(zip(names, row, strict=False)) for row in rows
        ]
        path = tmp_path / "samples.jsonl"
        path.write_text("".join(json.dumps(sample) + "\n" for sample in samples))
        files = SampleFiles.from_options([path], columns)
        root = tmp_path / f"run-{abs(hash(path.read_text()))}"
        import_file(files, root, AGGREGATORS, overrides=(*CHEAP, *overrides), **options)
        return Run(root).experiment.task, capsys.readouterr().err

    return bring


def verdicts(task, rows):
    """Whether each row is right, as it is scored."""
    checker = TASKS["jsonl"].checker(task)
    found = [row[2] if len(row) > 2 else TASKS["jsonl"].extract(row[1], task)[0] for row in rows]
    return [
        a is not None and checker.equal(row[0], str(a)) for row, a in zip(rows, found, strict=True)
    ]


FILES = {  # of shared/faults/imports: rows, the comparison, which are right
    "choice_no_space": (
        [("A", "A)36"), ("D", "D)15 minutes"), ("D", "D) 15 minutes")], "choice", [1, 1, 1]),
    "gsm8k_hashes": (
        [("7", "3+4=7\n#### 7"), ("7", "7"), ("7", "So 3+4 = 7")], "integer", [1, 1, 1]),
    "bare_labels": (
        [("Yes", "Yes"), ("Yes", "Yes"), ("No", "No"), ("No", "Yes")], "text", [1, 1, 1, 0]),
    "float_noise": ([("4.0", "print(ans)", 3.999999999999999)], "numeric", [1]),
}  # fmt: skip


@pytest.mark.parametrize("name", FILES)
def test_files_that_were_graded_wrong(brought, name):
    rows, compare, right = FILES[name]
    task, said = brought(rows)
    assert task.options["compare"] == compare
    assert f"answers are compared as {compare}: all" in said
    assert verdicts(task, rows) == [bool(one) for one in right]


def test_the_users_choice_wins_and_texts_are_still_read_as_they_are(brought):
    rows = FILES["gsm8k_hashes"][0]
    task, said = brought(rows, compare="math")
    assert (task.options, task.last_number) == ({"compare": "math"}, True)
    assert "compared as" not in said
    assert "2 of 3 texts mark no answer" in said
    task, said = brought(rows, "task.options.compare=numeric", "task.last_number=false")
    assert (task.options, task.last_number) == ({"compare": "numeric"}, False)
    assert "compared as" not in said


def test_a_second_import_chooses_the_same_without_reading_the_file(brought, monkeypatch):
    first, _ = brought(FILES["bare_labels"][0])
    again, said = brought(FILES["bare_labels"][0])
    assert again == first
    assert "is up to date" in said
    assert again.options == {"compare": "text", "labels": ["yes", "no"], "whole_text": True}


def test_marked_answers_need_no_guess(brought):
    task, said = brought([("7", r"so \boxed{7}"), ("8", "The answer is 7"), ("9", "So 9")])
    assert (task.last_number, task.options) == (False, {"compare": "integer"})
    assert "last_number" not in said
    task, _ = brought([("7", "a", "7"), ("8", "b", "7"), ("9", "c", "1")])
    assert not task.last_number  # the answers came with the file


def test_texts_longer_than_the_known_answers_are_no_answers(brought):
    task, _ = brought([("Yes", "Yes"), ("No", "I cannot say so from this text.")])
    assert task.options == {"compare": "text", "labels": ["yes", "no"]}


@pytest.mark.parametrize(
    ("golds", "compare", "why"),
    [
        (["A", "(b)", "C) 12"], "choice", "all 3 known answers are letters"),
        ([*"ABCDABCDA", "12"], "choice", "9 of 10 known answers are letters"),
        (["A", "12"], "math", "1 is letter, 1 integer"),
        (["12", "1,024", "-7"], "integer", "all 3 known answers are integers"),
        (["12", "0.5", "1/2"], "numeric", "all 3 known answers are numbers"),
        (["Yes", "New York, USA"], "contains", "all 2 known answers are texts of at most 6 words"),
        ([r"\frac12", "x^2"], "math", "all 2 known answers are formulas"),
        (["12", r"\frac12", "Yes", "3"], "math", "2 are integer, 1 formula, 1 text"),
        (["x", "n"], "math", "all 2 known answers are formulas"),  # variables are no letters
        (["5 m", "7 cm"], "math", "all 2 known answers are formulas"),  # units count there alone
        (["18.50", "$5"], "numeric", "numbers"),
    ],
)
def test_the_comparison_of_known_answers(golds, compare, why):
    found, said = options_of_golds(golds)
    assert found == {"compare": compare}
    assert why in said


def test_the_solutions_of_gsm8k_are_integers():
    assert gold_kind("3 + 4 = 7 pens.\n#### 7") == "integer"


def test_an_accuracy_of_0_or_1_is_questioned_at_import(brought):
    rows = [("Paris", "The answer is 3"), ("Rome", "The answer is 4")]
    _, said = brought(rows)
    words = f"none of 2 {FEW} is right; see task.options.compare (--compare, now contains)"
    assert said.count(words) == said.count("right") == 1
    assert "For example known answer 'Paris', answer '3'" in said


def test_answers_that_are_the_known_ones_are_questioned(brought):
    _, said = brought([("B", "It is C", "B"), ("A", "It is D", "A")])
    assert f"all 2 {FEW} are right: are the problems so easy, or was a column" in said


def test_mixed_and_unknown_correctness_are_not_questioned(brought):
    _, said = brought([("7", r"\boxed{7}"), ("8", r"\boxed{7}")])
    assert "samples" not in said.replace("samples.jsonl", "")
    _, said = brought([("x+1", r"\boxed{1+x}"), ("x+2", r"\boxed{x-2}")])  # math-verify's to decide
    assert "right" not in said


@pytest.mark.parametrize(
    ("verdict", "answer", "settings", "said"),
    [
        (False, None, {}, "in 2 no answer was found: task.last_number=true takes the last number"),
        (False, None, {"last_number": True}, "no answer was found: see how the texts end"),
        (False, "8", {}, f"none of 2 {FEW} is right; see task.options.compare"),
        (False, "8", {"name": "gsm8k"}, f"none of 2 {FEW} is right; see what the task asks for"),
        (True, "7", {}, f"all 2 {FEW} are right"),
        (None, "7", {}, None),
    ],
)
def test_what_is_asked(verdict, answer, settings, said):
    found = Correctness()
    for _ in range(2):
        found.add(verdict, "7", answer, "So 7 it is")
    line = doubt(found, TaskSettings(**({"name": "jsonl"} | settings)))
    assert said == line if said is None else said in line
    if answer is None:
        assert "a text ends 'So 7 it is'" in line


@pytest.mark.parametrize(
    ("count", "said"), [(9, f"none of 9 {FEW} is"), (10, "none of 10 samples is")]
)
def test_how_many_samples_it_is_about_is_said(count, said):
    found = Correctness()
    for _ in range(count):
        found.add(False, "7", "8", "")
    assert doubt(found, TaskSettings(name="jsonl")).startswith(said)


def test_one_sample_says_nothing():
    found = Correctness()
    found.add(False, "7", "8", "")
    assert doubt(found, TaskSettings(name="jsonl")) is None
