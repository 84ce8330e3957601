"""A column ``answer`` with no known answer beside it: taken for one if sure, else asked about."""

import json

import pytest

from workbench.interchange.import_preview import preview
from workbench.interchange.sample_files import SampleFiles
from workbench.interchange.survey import survey

GOLD, SAMPLES, ASKED, HINT = "gold", "answer", "asked", "hint"


def box(answer):
    return rf"It is \boxed{{{answer}}}"


def row(problem, answer, text, **more):
    return {"problem": problem, "answer": answer, "response": text, **more}


CASES = {
    # texts of a problem say other answers than its one answer
    "texts differ": ([row("p", 4, box(4)), row("p", 4, box(5))], GOLD),
    "all are wrong": ([row("p", "4", box(5)), row("p", "4", box(6))], GOLD),
    "letters": ([row("p", "B", "The answer is (C)"), row("p", "B", "So **B**")], GOLD),
    "one right, one wrong": (
        [row("p", "yes", "Well, yes", correct=1), row("p", "yes", "No", correct=0)], GOLD,
    ),
    # texts differ, and say what the column has: all are right, or it is what they answered
    "all agree": ([row("p", 4, box(4)), row("p", 4, f"So, {box(4)}")], ASKED),
    "spelt otherwise": ([row("p", 36, box("36.0")), row("p", 36, f"So, {box(36)}")], ASKED),
    "rounded": ([row("p", 3.5, box("3.50000001")), row("p", 3.5, f"So {box(3.5)}")], ASKED),
    "in thoughts": ([row("p", 4, f"<think>{box(n)}</think> Four") for n in (4, 5)], ASKED),
    "no text says any": ([row("p", 4, "Four"), row("p", 4, "Five")], ASKED),
    "nearly all agree": ([row("p", 4, f"{n}: {box(4 + (n == 0))}") for n in range(20)], ASKED),
    "all are graded alike": (
        [row("p", "yes", "Well, yes", correct=1), row("p", "yes", "Yes", correct=1)], ASKED,
    ),
    # one sample a problem, or the same text
    "one each": ([row("p", 4, box(4)), row("q", 5, box(4))], ASKED),
    "one each, graded": (
        [row("p", 4, box(4), correct=True), row("q", 5, box(4), correct=False)], HINT,
    ),
    "the same text": ([row("p", 4, box(4))] * 2, ASKED),
    # what each sample answered
    "answers differ": ([row("p", 4, box(4)), row("p", 5, box(5)), row("q", 1, box(2))], SAMPLES),
    "one has none": ([row("p", 4, box(4)), row("p", None, "Hm")], SAMPLES),
    "known otherwise": ([row("p", 4, box(4), gt=5), row("p", 4, box(5), gt=5)], SAMPLES),
}  # fmt: skip


def files(tmp_path, rows, *columns):
    (tmp_path / "a.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return SampleFiles.from_options([tmp_path / "a.jsonl"], columns)


@pytest.mark.parametrize("name", CASES)
def test_what_answer_is_taken_for(tmp_path, name):
    rows, expected = CASES[name]
    found = survey(files(tmp_path, rows))
    theirs, likely = found.mapping.theirs, str(found.mapping.likely.get("answer"))
    both = ("--column gold=answer if", "--column answer=answer if")
    assert (theirs.get("gold") == "answer") == (expected == GOLD)
    assert ("answer" not in theirs) == (expected == GOLD)
    assert ("taken for the known answer" in likely) == (expected == GOLD)
    assert all(flag in likely for flag in both) == (expected == HINT)
    assert bool(found.refusals) == (expected == ASKED)
    assert all(flag in "".join(found.refusals) for flag in both) == (expected == ASKED)


@pytest.mark.parametrize("name", ["texts differ", "all agree", "one each"])
def test_the_user_goes_first(tmp_path, name):
    for flag, ours, other in (("gold", "gold", "answer"), ("answer", "answer", "gold")):
        found = survey(files(tmp_path, CASES[name][0], f"{flag}=answer"))
        assert not found.refusals
        assert found.mapping.theirs[ours] == "answer"
        assert found.rows_with[ours] == found.samples
        assert not found.rows_with[other]


def test_it_is_printed_before_anything_is_written(tmp_path):
    said = " ".join(preview(files(tmp_path, CASES["texts differ"][0])).split())
    assert "answer gold 100 % 4" in said
    assert "given known answers of 1 problems perhaps answer (taken for the known answer" in said
    assert "if it is the samples': --column answer=answer)" in said
    said = preview(files(tmp_path, CASES["one each"][0]))
    assert "refused       'answer' of" in said


def test_a_later_row_with_another_answer_names_the_flag(tmp_path):
    rows = [*CASES["texts differ"][0], row("p", 9, box(9))]
    rows[2:2] = [row(f"p{n}", 4, box(4)) for n in range(200)]  # beyond the first rows
    with pytest.raises(ValueError, match="own problem_id, or --column answer=answer if it"):
        survey(files(tmp_path, rows))
