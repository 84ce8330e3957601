import importlib
import json
import pkgutil
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from workbench.interchange import readers
from workbench.interchange.readers import FORMATS, format_of
from workbench.interchange.readers.find_files import find_files
from workbench.interchange.row_reader import RowReader
from workbench.interchange.sample_files import SampleFiles

FILES = Path(__file__).parents[3] / "files"
ROW = {"problem_id": "p", "text": "t"}


@pytest.mark.parametrize(
    ("name", "pattern"),
    [
        ("inspect", "inspect/*.eval"),
        ("lm-eval", "lm-eval/*/samples_*.jsonl"),
        ("search-and-learn", "search-and-learn/*/*.jsonl"),
        ("lighteval", "lighteval/details/*/*/*.parquet"),
    ],
)
def test_a_file_is_known_by_what_is_in_it(name, pattern, tmp_path):
    paths = sorted(FILES.glob(pattern))
    assert paths
    for path in paths:
        assert format_of(path) == name
        renamed = tmp_path / "a"
        renamed.write_bytes(path.read_bytes())
        assert format_of(renamed) == name
    assert find_files([FILES / name]) == (tuple(paths), name)  # and nothing that lies beside it


def test_every_reader_has_a_row():
    for info in pkgutil.iter_modules(readers.__path__, f"{readers.__name__}."):
        module = importlib.import_module(info.name)
        if hasattr(module, "read"):
            rows = [row for row in FORMATS.values() if row.read is module.read]
            assert rows, f"{info.name} has no row in FORMATS of {readers.__file__}"


def test_formats_that_take_any_file_come_last():
    are_plain = [row.is_plain for row in FORMATS.values()]
    assert are_plain == sorted(are_plain)
    assert list(FORMATS)[-1] == "jsonl"  # which takes any text


def test_plain_parquet_and_its_renamed_columns(tmp_path):
    path = tmp_path / "a.parquet"
    rows = [{"problem_id": "p", "completion": str(i), "token_logprobs": [-0.5]} for i in range(200)]
    pq.write_table(pa.Table.from_pylist(rows), path)
    found = list(RowReader(SampleFiles.from_options([path], ["text=completion"])).rows())
    assert [(at.label, row.text) for at, row in found[::199]] == [
        ("row 1", "0"),
        ("row 200", "199"),
    ]
    data = bytearray(path.read_bytes())
    path.write_bytes(data[:-100])
    with pytest.raises(ValueError, match=r"a\.parquet cannot be opened .* cut off or damaged"):
        SampleFiles.from_options([path])
    data[4:60] = b"\xff" * 56
    path.write_bytes(data)
    with pytest.raises(ValueError, match=r"a\.parquet cannot be read beyond row 0"):
        list(RowReader(SampleFiles.from_options([path], ["text=completion"])).rows())


def test_what_is_no_file_of_samples(tmp_path):
    (tmp_path / "results.json").write_text(json.dumps({"a": 1}, indent=2))
    (tmp_path / "settings.json").write_text(json.dumps({"a": 1}))
    (tmp_path / "notes.txt").write_text("notes")
    with pytest.raises(
        ValueError, match=r"is a JSON object without a list of samples in it \(its keys: a\)"
    ):
        find_files([tmp_path / "results.json"])
    with pytest.raises(
        ValueError, match=r"no file of samples among results\.json, settings\.json: results"
    ):
        find_files([tmp_path])
    (tmp_path / "a.jsonl").write_text(json.dumps(ROW))
    assert find_files([tmp_path]) == ((tmp_path / "a.jsonl",), "jsonl")
    pq.write_table(pa.Table.from_pylist([ROW]), tmp_path / "b.parquet")
    with pytest.raises(ValueError, match=r"a\.jsonl is jsonl, .*b\.parquet is parquet; give those"):
        find_files([tmp_path])
    (tmp_path / "experiment.yaml").touch()
    with pytest.raises(ValueError, match="is a run already"):
        find_files([tmp_path])
    with pytest.raises(ValueError, match="there is no file"):
        find_files([tmp_path / "none"])


def test_columns_of_a_known_format_are_not_renamed():
    with pytest.raises(ValueError, match=r"--column text=a: the columns of .* leave --column out"):
        SampleFiles.from_options([FILES / "inspect"], ["text=a"])


@pytest.mark.parametrize(
    ("name", "row"),
    [
        ("every-eval-ever", {"evaluation_id": "e", "sample_id": "s", "evaluation": {},
                             "answer_attribution": [{"extracted_value": "4"}]}),
        ("mt-bench", {"question_id": 1, "model_id": "m", "choices": [{"index": 0, "turns": []}]}),
        ("batch", {"custom_id": "a", "response": {"body": {"choices": [{"index": 0}]}}}),
        ("json", {"evaluation": {}, "samples": [{"text": "a"}]}),
    ],
)  # fmt: skip
def test_a_file_of_one_line_is_known_by_its_keys_and_not_by_a_list_inside(tmp_path, name, row):
    path = tmp_path / "a.jsonl"
    path.write_text(json.dumps(row) + "\n")
    assert format_of(path) == name
