"""Sheets of Excel workbooks are read as the same rows from JSONL are, and nothing goes unsaid."""

import json
import re
import zipfile
from datetime import datetime

import pytest
from openpyxl import Workbook
from openpyxl.xml.constants import SHARED_STRINGS

from workbench.core import unpacked_files
from workbench.interchange.readers import xlsx
from workbench.interchange.readers.find_files import find_files
from workbench.interchange.readers.records import say_once
from workbench.interchange.row_reader import RowReader
from workbench.interchange.sample_files import SampleFiles
from workbench.interchange.survey import survey

ROWS = [
    {"task_id": "a", "question": "6 x 6?", "gt": 36, "response": "It is 36.", "temp": 0.7,
     "is_correct": True, "reward": 0.123456789012345},
    {"task_id": "a", "question": "6 x 6?", "gt": 36, "response": "36", "temp": 0.7,
     "is_correct": False, "reward": 1e-07},
    {"task_id": 12, "question": "Über \"x\",\nor y?", "gt": "007", "response": "é😀 [1", "temp": 1,
     "is_correct": None, "reward": None},
]  # fmt: skip

TEXTS = "xl/sharedStrings.xml"


@pytest.fixture(autouse=True)
def say_again():
    say_once.cache_clear()


@pytest.fixture
def write(tmp_path):
    """A function of sheets, each name -> lists of cells, that writes a workbook of them."""

    def written(sheets, name="a.xlsx"):
        book = Workbook()
        book.remove(book.active)
        for title, rows in sheets.items():
            sheet = book.create_sheet(title)
            for cells in rows:
                sheet.append(cells)
        book.save(tmp_path / name)
        return tmp_path / name

    return written


def table(rows):
    return [list(rows[0]), *(list(row.values()) for row in rows)]


def samples(path, *where):
    source = SampleFiles.from_options([path], (), where)
    return [row for _, row in RowReader(source).rows()]


def test_the_samples_are_those_of_the_same_rows_in_jsonl(write, tmp_path):
    (tmp_path / "a.jsonl").write_text("".join(json.dumps(row) + "\n" for row in ROWS))
    path = write({"Samples": [[], *table(ROWS), [None, None], []]})
    assert find_files([path]) == ((path,), "xlsx")
    found = samples(path)
    assert found == samples(tmp_path / "a.jsonl")


@pytest.mark.parametrize(
    ("cell", "text"),
    [
        (36.0, "36"), (0.1, "0.1"), (1e-07, "0.0000001"), (10**15, "1000000000000000"),
        (True, "True"), (None, None), ("", None), ("#N/A", None), (" 7 ", " 7 "),
        (datetime(2024, 3, 4), "2024-03-04"), (datetime(2024, 3, 4, 5, 6), "2024-03-04T05:06:00"),
        ('["x", "y"]', ["x", "y"]), ("['x', 'y']", ["x", "y"]), ('{"a": [1]}', '{"a": [1]}'),
        ("4_x000D_\n", "4\r\n"), ("_x0041_", "_x0041_"),
    ],
)  # fmt: skip
def test_cells(write, cell, text):
    path = write({"s": [["id", "response"], [1, cell]]})
    [(label, row)] = xlsx.read(path)
    assert (label, row) == ("row 2", {"id": "1", "response": text, "worksheet": "s"})


def test_lists_of_texts_are_samples(write):
    path = write({"s": [["id", "code", "pred"], ["p", '["it is 4", "5"]', "[4, 5]"]]})
    assert [(row.text, row.answer) for row in samples(path)] == [("it is 4", "4"), ("5", "5")]


def test_sheets_with_the_same_columns_are_refused_until_they_are_named(write):
    sheets = {"notes": [["by", "on"], ["me", "Monday"]], "empty": [["task_id", "output"]]}
    sheets["cold"] = [["task_id", "output"], ["p", "cold"]]
    sheets["hot"] = [["output", "task_id"], ["hot", "p"]]
    path = write(sheets)
    refused = survey(SampleFiles.from_options([path])).refusals
    assert "samples in 2 sheets, 'cold', 'hot': choose with --where worksheet=NAME" in refused[0]
    for chosen in (["cold"], ["hot"], ["cold", "hot"]):
        where = [f"worksheet={name}" for name in chosen]
        found = survey(SampleFiles.from_options([path], (), where))
        assert not found.refusals
        assert [row.text for row in samples(path, *where)] == chosen


def test_a_sheet_that_is_not_read_is_named(write, capsys):
    path = write({"notes": [["by"], ["me"]], "all": [["question", "output"], ["q", "t"]]})
    found = survey(SampleFiles.from_options([path]))
    assert (found.samples, found.refusals, found.unused) == (1, [], ())
    assert "read is the sheet 'all', and not 'notes', of other columns" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("cells", "words"),
    [
        ([datetime(2024, 3, 4), "t"], r"column 'gold' has dates, such as 2024-03-04; .* 3/4"),
        (["1", "=1+1"], r"1 formulas of the sheet 's' have no value, .* as empty cells"),
        (["1", "x" * 32_767], r"1 cells have 32,767 characters, .* probably lost"),
    ],
)
def test_what_a_sheet_has_lost_is_said(write, capsys, cells, words):
    list(xlsx.read(write({"s": [["gold", "text"], ["1", "t"], cells]})))
    said = capsys.readouterr().err
    assert re.search(words, said), said
    list(xlsx.read(write({"s": [["gold", "text"], ["1", "t"]]}, "b.xlsx")))
    assert not capsys.readouterr().err


def test_a_formula_with_a_value_is_that_value(write, capsys):
    path = write({"s": [["id", "text"], ["=1", "=2"]]})
    repack(path, lambda xml: re.sub(rb"<v ?/>|<v></v>", b"<v>36.0</v>", xml))
    assert [row for _, row in xlsx.read(path)] == [{"id": "36", "text": "36", "worksheet": "s"}]
    assert not capsys.readouterr().err


def test_a_formula_that_gives_an_empty_text_has_a_value(write, capsys):
    path = write({"s": [["id", "text"], ["a", "=2"]]})
    repack(path, lambda xml: re.sub(rb'(<c r="B2")', rb'\1 t="str"', xml))
    assert [row["text"] for _, row in xlsx.read(path)] == [None]
    assert not capsys.readouterr().err


def test_the_size_that_a_sheet_gives_itself_does_not_matter(write):
    path = write({"s": table(ROWS)})
    repack(path, lambda xml: re.sub(rb'<dimension ref="[^"]*"', b'<dimension ref="A1"', xml))
    assert [len(row) for _, row in xlsx.read(path)] == [8, 8, 8]


def repack(path, change, more=()):
    """Change the parts of a workbook, each by its name and XML, and add more of them."""
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, xml in {**parts, **dict(more)}.items():
            archive.writestr(name, change(xml))


def share_texts(path):
    """Write a workbook's texts as Excel does: each once, and their numbers into the cells."""
    texts = []

    def numbered(cell):
        texts.append(b"<si>%s</si>" % cell[1])
        return b' t="s"><v>%d</v>' % (len(texts) - 1)

    inline = re.compile(rb' t="inlineStr"><is>(.*?)</is>', re.DOTALL)
    repack(path, lambda xml: inline.sub(numbered, xml))
    names = b'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
    part = f'<Override PartName="/{TEXTS}" ContentType="{SHARED_STRINGS}"/></Types>'.encode()
    table = b"<sst %s>%s</sst>" % (names, b"".join(texts))
    repack(path, lambda xml: xml.replace(b"</Types>", part), {TEXTS: table})


def test_texts_that_are_kept_apart_from_the_sheet(write, monkeypatch):
    path = write({"s": table(ROWS)})
    before = list(xlsx.read(path))
    share_texts(path)
    assert list(xlsx.read(path)) == before
    repack(path, lambda xml: xml.replace(b' t="s"><v>0</v>', b' t="s"><v>99</v>'))
    with pytest.raises(ValueError, match=r"cannot be read beyond row 0 .*list index out of range"):
        list(xlsx.read(path))
    monkeypatch.setattr(xlsx, "MOST_TEXT", 10)
    with pytest.raises(ValueError, match="save its sheet as CSV, of which any size is read"):
        find_files([path])


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda xml: xml[: len(xml) // 2], r"cannot be (opened|read beyond row 0 of .* 's')"),
        (lambda xml: xml.replace(b'<row r="3"', b'<row r="9999999999"'), r"more than 500 rows"),
        (lambda xml: xml.replace(b"<v>0.7<", b"<v>O<"), r"cannot be read beyond row 0 .* 'O'"),
    ],
)
def test_a_damaged_workbook_is_one_sentence(write, monkeypatch, change, words):
    monkeypatch.setattr(xlsx, "MOST_ROWS", 500)
    path = write({"s": table(ROWS)})
    repack(path, change)
    with pytest.raises(ValueError, match=rf"a\.xlsx.*{words}") as fault:
        list(xlsx.read(path))
    assert "\n" not in str(fault.value)


def test_a_workbook_that_is_cut_off_or_has_a_password(write):
    path = write({"s": table(ROWS)})
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(ValueError, match=r"cannot be opened .* cut off or damaged"):
        find_files([path])
    path.write_bytes(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600))
    with pytest.raises(ValueError, match=r"or one with a password: save it as \.xlsx without"):
        find_files([path])


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ([["id", "text", "id"], [1, 2, 3]], "has two columns 'id'"),
        ([["id", "text"]], "has no sheet with names of columns and rows below them"),
    ],
)
def test_a_workbook_without_columns(write, tmp_path, rows, words):
    path = write({"s": rows})
    with pytest.raises(ValueError, match=words):
        list(xlsx.read(path))
    (tmp_path / "a.jsonl").write_text('{"problem_id": 1, "text": "t"}')
    assert find_files([tmp_path]) == ((tmp_path / "a.jsonl",), "jsonl")  # it is beside samples


def test_a_row_with_cells_beyond_the_columns_is_a_fault(write):
    [(_, row)] = xlsx.read(write({"s": [["id", "text"], [1, 2, 3]]}))
    assert "has 3 cells, and the first row names 2 columns" in str(row)


def test_a_bomb_is_refused_before_it_is_unpacked(write, monkeypatch):
    path = write({"s": [["id", "text"], *[["a", "b"]] * 5000]})
    monkeypatch.setattr(xlsx, "FREELY_UNPACKED", 1 << 10)
    monkeypatch.setitem(unpacked_files.MOST_PACKED, "zip", 5)
    with pytest.raises(ValueError, match="unpacks to more than 5 times its size"):
        find_files([path])


def test_the_sheet_is_streamed(write, monkeypatch):
    """A fault in its last row does not keep the first from being read."""
    path = write({"s": [["id", "text"], *[["a", "b"]] * 200]})
    repack(path, lambda xml: xml.replace(b"</sheetData>", b"<row"))
    rows = xlsx.read(path)
    assert next(rows)[0] == "row 2"
    with pytest.raises(ValueError, match=r"cannot be read beyond row \d+ of the sheet 's'"):
        list(rows)
