"""The containers of plain rows, each packed and not, and files that hold no samples."""

import bz2
import csv
import gzip
import io
import json
import lzma
import re
import zipfile

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from workbench.interchange.readers import FORMATS, format_of
from workbench.interchange.readers.find_files import find_files
from workbench.interchange.readers.rows import read_rows

ROWS = [
    {"problem_id": "a", "text": 'It is "4",\nso é 4.', "gold": "4"},
    {"problem_id": "a", "text": "5; or [5", "gold": "4"},
]


def delimited(rows, delimiter):
    file = io.StringIO(newline="")
    writer = csv.DictWriter(file, rows[0], delimiter=delimiter)
    writer.writeheader()
    writer.writerows(rows)
    return file.getvalue()


def parquet():
    file = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(ROWS), file)
    return file.getvalue()


CONTAINERS = {
    "jsonl": ("jsonl", "".join(json.dumps(row) + "\n" for row in ROWS)),
    "array": ("json", json.dumps(ROWS)),
    "array over lines": ("json", "\ufeff" + json.dumps(ROWS, indent=2)),
    "results": ("json", json.dumps({"config": {"n": [1]}, "accuracy": 0.5, "results": ROWS})),
    "samples within": ("json", json.dumps({"out": {"n": 2, "samples": ROWS}}, indent=1)),
    "an unknown key": ("json", json.dumps({"args": ["a"], "mine": ROWS})),
    "the known key of two": ("json", json.dumps({"prompts": [{"raw": "q"}], "data": ROWS})),
    "objects over lines": ("json", "\n".join(json.dumps(row, indent=2) for row in ROWS)),
    "csv": ("csv", delimited(ROWS, ",")),
    "tsv": ("csv", delimited(ROWS, "\t")),
    "semicolons": ("csv", delimited(ROWS, ";")),
    "parquet": ("parquet", parquet()),
}


@pytest.mark.parametrize("name", CONTAINERS)
def test_the_rows_of_every_container(tmp_path, name):
    known_as, content = CONTAINERS[name]
    path = tmp_path / "any.name"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    assert format_of(path) == known_as
    assert [row for _, row in FORMATS[known_as].read(path)] == ROWS
    assert [row for _, row in read_rows(path)] == ROWS


@pytest.mark.parametrize(
    "pack",
    [gzip.compress, bz2.compress, lzma.compress, lambda b: pa.compress(b, "zstd", asbytes=True)],
)
@pytest.mark.parametrize("name", ["jsonl", "array", "results", "csv"])
def test_and_packed(tmp_path, name, pack):
    known_as, content = CONTAINERS[name]
    (tmp_path / "a.gz").write_bytes(pack(content.encode()))
    assert find_files([tmp_path]) == ((tmp_path / "a.gz",), known_as)
    assert [row for _, row in read_rows(tmp_path / "a.gz")] == ROWS


def test_the_model_beside_a_list_is_that_of_its_rows_and_their_own_goes_first(tmp_path):
    path = tmp_path / "a.json"
    tree = {"model": "m", "max_tokens": 9, "correct": 12, "results": [{"a": 1}, {"model": "n"}]}
    path.write_text(json.dumps(tree))
    assert [row for _, row in read_rows(path)] == [
        {"model": "m", "max_tokens": 9, "a": 1}, {"model": "n", "max_tokens": 9},
    ]  # fmt: skip


def test_a_file_for_each_problem_is_a_row_and_what_lies_beside_is_not(tmp_path, capsys):
    for name in "ab":
        problem = {"id": name, "question": "?", "samples": [{"text": "x"}, {"text": "y"}]}
        (tmp_path / f"{name}.json").write_text(json.dumps(problem, indent=2))
    (tmp_path / "config.json").write_text('{"n": 2}')
    files, name = find_files([tmp_path])
    assert (files, name) == ((tmp_path / "a.json", tmp_path / "b.json"), "json")
    assert "1 files in" in capsys.readouterr().err
    assert [row["id"] for path in files for _, row in read_rows(path)] == ["a", "b"]


def test_cells_that_spell_lists_are_lists_and_others_in_their_column_are_not(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("""id,code,note\n1,"[""x"", ""y""]",[1\n2,"['x', 'it''s']",[2]\n3,,""\n""")
    assert [row for _, row in read_rows(path)] == [
        {"id": "1", "code": ["x", "y"], "note": "[1"},
        {"id": "2", "code": ["x", "its"], "note": "[2]"},
        {"id": "3", "code": None, "note": None},
    ]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("id,text\n1,a,b\n", r"line 2: has 3 cells, and the header names 2 columns"),
        ('id,text\n1,"a\n2,b\n', r"line 3: unexpected end .* a quotation mark may not"),
        ("id,text,id\n1,a,2\n", r"has two columns 'id'"),
        (b"id,text\n1,\xe9\n", r"line 2: not UTF-8 at byte 3"),
        ('[{"a": 1}, {"a": ', r"is no JSON as far as it can be read: .* at character"),
        ('[{"a": 1}, {"a": 1e999}]', r"1e999 is larger than any number can be"),
        ('[{"a": 1}, {"a": 1, "a": 2}]', r"the key 'a' is given twice"),
        ("[1, 2]", r"row 1: expected a JSON object, got int"),
    ],
)  # fmt: skip
def test_damaged_rows_are_named(tmp_path, text, words):
    path = tmp_path / "a.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    try:
        told = [f"{label}: {row}" for label, row in read_rows(path)]
    except ValueError as fault:
        told = [str(fault)]
    assert re.search(words, "\n".join(told))


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:00\n", "pointer of Git LFS"),
        (b"\n<!DOCTYPE html><html><body>404</body></html>", "a web page"),
        (b'[{"name": "a.eval", "size": 1, "mtime": 2, "task": "t", "task_id": "x"}]', "of logs"),
        (b'{"2025_x.eval": {"version": 2, "eval": {}}}', "a list of logs"),
        (b"", "is empty"),
        (b"\x80\x04\x95abc", "a pickle"),
        (b"\x00\x01\x02", "is no text"),
        (b'{\n"accuracy": 0.5,\n"n": 3}', "a JSON object without a list of samples in it"),
    ],
)
def test_a_file_that_holds_no_samples_is_named_for_what_it_is(tmp_path, content, words):
    path = tmp_path / "a.jsonl"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=words):
        find_files([path])


@pytest.mark.parametrize(
    ("names", "words"),
    [
        (["a.jsonl", "b.jsonl"], r"a zip of 2 files \(a\.jsonl, b\.jsonl\): unpack it"),
    ],
)
def test_a_zip_of_many(tmp_path, names, words):
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        for name in names:
            archive.writestr(name, "{}")
    with pytest.raises(ValueError, match=words):
        find_files([tmp_path / "a.zip"])


def test_a_pointer_in_a_folder_is_not_passed_over(tmp_path):
    (tmp_path / "a.jsonl").write_text('{"problem_id": 1, "text": "t"}')
    (tmp_path / "b.jsonl").write_text("version https://git-lfs.github.com/spec/v1\n")
    with pytest.raises(ValueError, match=r"b\.jsonl is a pointer of Git LFS"):
        find_files([tmp_path])
