"""Odd but plausible files: what is read of them, and the sentence for those that are not."""

import json

import pytest

from analysis.aggregate import AGGREGATORS
from workbench.interchange.importer import import_file
from workbench.interchange.sample_files import SampleFiles


def write(path, rows):
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def test_samples_of_one_number_are_named_and_the_file_is_not_called_broken(tmp_path):
    rows = [{"problem_id": "p", "text": "t", "correct": True, "sample_index": 0}] * 3
    source = SampleFiles.from_options([write(tmp_path / "a.jsonl", rows)])
    with pytest.raises(ValueError, match="cannot be imported") as fault:
        import_file(source, tmp_path / "run", AGGREGATORS)
    assert "line 2: sample 0 of 'p' at temperature null is also at line 1" in str(fault.value)
    assert "JSON object" not in str(fault.value)
