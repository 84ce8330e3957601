"""Numbers of JSON files as text, in problem files and in files of samples."""

import json

import pytest

from workbench.core.plain_number import as_plain_text
from workbench.interchange.sample_row import SampleRow
from workbench.tasks.problem_files import parse_record


@pytest.mark.parametrize(
    ("number", "text"),
    [(5e-05, "0.00005"), (1e22, "1" + "0" * 22), (-1e-07, "-0.0000001"), (2.5, "2.5"), (7, "7")],
)
def test_a_number_in_json_is_written_plainly(number, text):
    assert as_plain_text(number) == text
    record = json.loads(json.dumps({"problem": "?", "gold": number}))
    assert parse_record(record, "p").gold == text
    assert SampleRow(problem_id="p", text="", gold=record["gold"]).gold == text
