import json

import pytest

from workbench.config.schema import TaskSettings
from workbench.tasks.chosen_comparison import chosen_options

CAPITALS = [("Capital of France?", "Paris"), ("Capital of Spain?", "Madrid")]


@pytest.fixture
def task(tmp_path):
    """A function that returns a task of one's own questions, of which each may have choices."""

    def write(rows, **settings):
        path = tmp_path / "own.jsonl"
        lines = [dict(zip(("problem", "gold", "choices"), row, strict=False)) for row in rows]
        path.write_text("".join(json.dumps(line) + "\n" for line in lines))
        return TaskSettings(name="jsonl", source=str(path), **settings)

    return write


@pytest.mark.parametrize(
    ("rows", "options", "why"),
    [
        (CAPITALS, {"compare": "contains"}, "all 2 known answers are texts of at most 6 words"),
        ([("Wet?", "Yes"), ("Dry?", "yes")], {"compare": "text", "labels": ["yes", "no"]},
         "all 2 known answers are yes or no"),
        ([(f"Mood {n}?", mood) for n in range(4) for mood in ("good", "bad", "so so")],
         {"compare": "text", "labels": ["bad", "good", "so so"]}, "are one of 3 texts"),
        ([("Colour?", "red", ["red", "blue"])], {"compare": "choice"}, "have choices"),
        ([("Which, A or B?", "A"), ("And now?", "B")], {"compare": "choice"}, "are letters"),
        ([("Why?", "Because the light is scattered by the air, the blue most")],
         {"compare": "text"}, "are texts"),
        ([("1 + 1?", "2"), ("1 + 2?", "3")], {}, ""),  # math compares numbers and formulas
        ([("Root?", r"\sqrt{2}"), ("Name?", "Ann")], {}, ""),
        ([("Which?", "A"), ("How?", "by train"), *[("?", "B")] * 18], {}, ""),  # no letter
    ],
)  # fmt: skip
def test_the_known_answers_decide(task, rows, options, why):
    chosen, said = chosen_options(task(rows))
    assert chosen == options
    assert why in said


def test_what_the_user_says_counts(task):
    for settings in ({"options": {"compare": "exact"}}, {"options": {"any_order": True}},
                     {"last_number": True}):  # fmt: skip
        assert chosen_options(task(CAPITALS, **settings)) == ({}, "")
    assert chosen_options(TaskSettings(name="arithmetic")) == ({}, "")
    assert chosen_options(TaskSettings(name="jsonl", source="no.jsonl")) == ({}, "")


def test_only_problems_that_are_asked_count(task):
    rows = [*CAPITALS, ("1 + 1?", "2")]
    assert chosen_options(task(rows, num_problems=2))[0] == {"compare": "contains"}
    assert chosen_options(task(rows))[0] == {}
