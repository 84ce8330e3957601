"""Excel workbooks (``.xlsx``): a sheet with the names of the columns in its first row.

The cells are read as those of a CSV are: a number as people write it, true and false as texts, a
date as in ISO 8601, an error (``#N/A``) and an empty cell as null. The sheet is the first whose
columns are known to hold texts, or else the first with rows. Sheets with the same columns as that
one are read too, and the column ``worksheet`` says which a row is from. Others are named and not
read. Memory holds the texts of the workbook, each once, and a few rows.
Source: ECMA-376, part 1, 18.3 and 18.4; limits of Excel: 32,767 characters a cell, 1,048,576 rows.
"""

import re
import warnings
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date, datetime, time
from itertools import islice
from pathlib import Path
from typing import IO, Any

from workbench.core.plain_number import as_plain_text
from workbench.core.unpacked_files import (
    FREELY_UNPACKED,
    MIB,
    MOST_PACKED,
    damaged,
    on_position,
)
from workbench.interchange.column_names import holds_texts
from workbench.interchange.readers.delimited import row_of_cells
from workbench.interchange.readers.records import LocatedRecord, say_once

WORKBOOK = "xl/workbook.xml"
"""The member of a zip by which a workbook is known."""
SHEET = "worksheet"
"""The column that says which sheet a row is from."""
ROWS = 64
"""Rows in memory at a time."""
MOST_ROWS = 1_048_576
LONGEST_CELL = 32_767
"""Characters. What is written into a cell is cut there, and no program says so."""
TEXTS, MOST_TEXT = "sharedStrings", 256 * MIB
"""The member with the texts of all cells, which are in memory together, and its largest size."""
LONGEST_FORMULA = 64 * 1024
CONTROL = re.compile("_x(00[01][0-9A-F])_")
"""How a workbook spells a control character, such as a carriage return."""
WITHOUT_VALUE = re.compile(
    rb'<c\b(?:(?!t="str")[^>])*>(?:<f\b[^>]*/>|<f\b[^>]*>[^<]*</f>)(?!<v>[^<])'
)
"""A cell whose formula is followed by no value; that of an empty text is one."""
DAMAGE = (
    zipfile.BadZipFile, zlib.error, SyntaxError, KeyError, ValueError, TypeError, AttributeError,
    IndexError, OSError, EOFError, NotImplementedError,
)  # fmt: skip
"""What openpyxl raises where a workbook is not as it should be; SyntaxError is that of its XML."""


def read(path: Path) -> Iterator[LocatedRecord]:
    """Yield the rows of a workbook's sheets; ValueError if it is damaged, empty or a bomb."""
    with _opened(path) as (workbook, raw):
        sheets = _sheets_of_samples(path, workbook)
        if not sheets:
            raise ValueError(f"{path} has no sheet with names of columns and rows below them")
        first = sheets[0][1]
        if twice := [name for name in first if name and first.count(name) > 1]:
            raise ValueError(f"{path} has two columns {twice[0]!r}; give each its own name")
        for sheet, names in sheets:
            yield from _rows(path, raw, sheet, names, len(sheets) > 1)


def columns(path: Path) -> frozenset[str]:
    """Return the names of the columns that are read; ValueError if the workbook is damaged."""
    with _opened(path) as (workbook, _):
        return frozenset(*(names for _, names in _sheets_of_samples(path, workbook)[:1]))


def sheets(path: Path) -> list[str]:
    """Return the names of the sheets that are read; ValueError if the workbook is damaged."""
    with _opened(path) as (workbook, _):
        return [sheet.title for sheet, _ in _sheets_of_samples(path, workbook)]


@contextmanager
def _opened(path: Path) -> Iterator[tuple[Any, IO[bytes]]]:
    """Open a workbook and the file that it is in."""
    from openpyxl import load_workbook  # slow to import, and few read a workbook

    _refuse_bomb(path)
    with path.open("rb") as raw:
        try:
            with warnings.catch_warnings(action="ignore"):  # of styles that it does not keep
                workbook = load_workbook(raw, read_only=True, data_only=True)
        except DAMAGE as fault:
            inner = fault.__cause__  # openpyxl's own words are of no use to others
            why = inner if isinstance(inner, Exception) else fault
            raise damaged(path, "cannot be opened", why) from fault
        yield workbook, raw


def _refuse_bomb(path: Path) -> None:
    """Raise ValueError if a workbook would fill the memory, by the sizes that its zip gives."""
    with zipfile.ZipFile(path) as archive:
        sizes = {info.filename: info.file_size for info in archive.infolist()}
    most = MOST_PACKED["zip"]
    if sum(sizes.values()) > max(FREELY_UNPACKED, most * path.stat().st_size):
        raise ValueError(
            f"{path} unpacks to more than {most:,} times its size, as no workbook of different "
            "rows does; save its sheet as CSV"
        )
    texts = sum(size for name, size in sizes.items() if TEXTS in name)
    if texts > MOST_TEXT:
        raise ValueError(
            f"{path} has {texts // MIB:,} MiB of texts, more than the {MOST_TEXT // MIB} that are "
            "read of a workbook; save its sheet as CSV, of which any size is read"
        )


def _sheets_of_samples(path: Path, workbook: Any) -> list[tuple[Any, list[str]]]:
    """Return the sheets that are read, each with the names of its columns; others are said."""
    with_rows: list[tuple[Any, list[str]]] = []
    for sheet in workbook.worksheets:
        sheet.reset_dimensions()  # some programs write wrong ones
        rows = list(islice(filter(any, map(_texts, _cells(path, sheet))), 2))
        if len(rows) == 2:
            with_rows.append((sheet, rows[0]))
    known = [names for _, names in with_rows if holds_texts(frozenset(names))]
    first = next(iter(known or [names for _, names in with_rows]), [])
    taken = [(sheet, names) for sheet, names in with_rows if sorted(names) == sorted(first)]
    titles = [sheet.title for sheet, _ in taken]
    others = [sheet.title for sheet, _ in with_rows if sheet.title not in titles]
    if others:
        say_once(
            f"{path.name}: read is the sheet {', '.join(map(repr, titles))}, and not "
            f"{', '.join(map(repr, others))}, of other columns: save what else is to be read as a "
            "file of its own"
        )
    return taken


def _rows(
    path: Path, raw: IO[bytes], sheet: Any, names: list[str], is_of_several: bool
) -> Iterator[LocatedRecord]:
    """Yield the rows of a sheet under their names; say what its cells have lost."""
    _say_formulas(path, sheet)
    lists: dict[str, bool] = {}
    report, is_header, cut = on_position.get(), True, 0
    for number, cells in enumerate(_cells(path, sheet), start=1):
        if report and number % ROWS == 0:
            report(path, raw.tell())
        texts = _texts(cells)
        if not any(texts):
            continue
        if is_header:
            is_header = False
            continue
        label = f"{sheet.title}, row {number}" if is_of_several else f"row {number}"
        if len(texts) > len(names):
            yield (
                label,
                ValueError(
                    f"has {len(texts)} cells, and the first row names {len(names)} columns; name "
                    "each column there"
                ),
            )
            continue
        cut += sum(len(text) >= LONGEST_CELL for text in texts)
        for name, cell in zip(names, cells, strict=False):
            if cell.data_type == "d" and name:
                say_once(
                    f"{path.name}: the column {name!r} has dates, such as {_text(cell)}; Excel "
                    "takes 3/4 and 1-2 for dates: format such cells as text before they are filled"
                )
        texts += [""] * (len(names) - len(texts))
        yield label, row_of_cells(names, texts, lists) | {SHEET: sheet.title}
    if cut:
        say_once(
            f"{path.name}: {cut:,} cells have {LONGEST_CELL:,} characters, the most that a sheet "
            "keeps of a text: the ends of these are probably lost"
        )


def _cells(path: Path, sheet: Any) -> Iterator[Sequence[Any]]:
    """Yield the cells of each row; ValueError if the sheet is damaged."""
    number, rows = 0, sheet.iter_rows()
    while True:
        try:
            with warnings.catch_warnings(action="ignore"):
                batch = list(islice(rows, ROWS))
        except DAMAGE as fault:
            what = f"cannot be read beyond row {number:,} of the sheet {sheet.title!r}"
            raise damaged(path, what, fault) from fault
        if not batch:
            return
        number += len(batch)
        if number > MOST_ROWS:
            raise ValueError(f"{path}: the sheet {sheet.title!r} has more than {MOST_ROWS:,} rows")
        yield from batch


def _texts(cells: Sequence[Any]) -> list[str]:
    """Return the texts of a row, without the empty cells at its end."""
    texts = [_text(cell) for cell in cells]
    while texts and not texts[-1]:
        texts.pop()
    return texts


def _text(cell: Any) -> str:
    """Return what a cell says, as people write it."""
    value = cell.value
    if value is None or cell.data_type == "e":
        return ""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, datetime) and value.time() == time():
        value = value.date()
    if isinstance(value, date | time):  # a datetime is a date
        return value.isoformat()
    if isinstance(value, str) and "_x" in value:
        return CONTROL.sub(lambda spelt: chr(int(spelt[1], 16)), value)
    return as_plain_text(value)


def _say_formulas(path: Path, sheet: Any) -> None:
    """Say how many formulas of a sheet have no value, as where a program wrote them."""
    count, rest = 0, b""
    try:
        with zipfile.ZipFile(path) as archive, archive.open(sheet._worksheet_path) as file:
            while block := file.read(MIB):
                text = rest + block
                whole = text.rfind(b"</c>") + 1  # a cell and its formula stay together
                count += len(WITHOUT_VALUE.findall(text[:whole]))
                rest = text[whole:][-LONGEST_FORMULA:]
    except DAMAGE:
        return  # it is named when the rows are read
    if count:
        say_once(
            f"{path.name}: {count:,} formulas of the sheet {sheet.title!r} have no value, and are "
            "read as empty cells; open the workbook and save it, so that they are calculated"
        )
