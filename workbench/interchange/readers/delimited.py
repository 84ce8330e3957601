"""CSV and TSV: a header with the names of the columns, and a row for each sample or problem.

An empty cell is null. A column is one of lists where its first cell spells a list, as JSON or as
Python does; every other cell is a text, and becomes a number where its column needs one.
"""

import ast
import csv
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from workbench.core.bounded_lines import LONGEST_LINE, read_lines
from workbench.interchange.readers.records import LocatedRecord

NAME = re.compile(r"[\w#][\w .@/()-]{0,63}")
"""What a column's name looks like; a sentence with a comma in it looks otherwise."""


def read(path: Path) -> Iterator[LocatedRecord]:
    """Yield the rows of a file; ValueError if its quotes or its encoding are damaged."""
    csv.field_size_limit(LONGEST_LINE)
    names: list[str] = []
    lists: dict[str, bool] = {}
    reader: Any = None
    try:
        lines = _texts(path)
        header = next(filter(str.strip, lines), "")
        delimiter = delimiter_of(header)
        names = next(csv.reader([header], delimiter=delimiter), [])
        if len(set(names)) < len(names):
            twice = next(name for name in names if names.count(name) > 1)
            raise ValueError(f"{path} has two columns {twice!r}; give each its own name")
        reader = csv.reader(lines, delimiter=delimiter, strict=True)
        for cells in reader:
            if cells:
                yield f"line {reader.line_num + 1}", _row(names, cells, lists)
    except csv.Error as fault:
        where = f"line {reader.line_num + 1}" if reader else "its header"
        raise ValueError(
            f"{path}, {where}: {fault}; a quotation mark may not be closed before it"
        ) from fault


def delimiter_of(header: str) -> str:
    """Return what parts the names of a header: the commonest of comma, tab and semicolon.

    Example:
        >>> delimiter_of("id;text"), delimiter_of("text")
        (';', ',')
    """
    return max(",\t;", key=header.count)


def is_header(line: str, following: str, is_called_so: bool = False) -> bool:
    """Say whether a line names columns, of which the following line has as many.

    The following line does not matter in a file whose name says that it is CSV.

    Example:
        >>> is_header("id,text", '1,"a, b"'), is_header("Well, well", "said he.")
        (True, False)
    """
    delimiter = delimiter_of(line)
    names, cells = (next(csv.reader([row], delimiter=delimiter), []) for row in (line, following))
    named = all(NAME.fullmatch(name) for name in names[1:]) and len(names) > 1
    may_go_on = following.count('"') % 2 == 1  # a cell of several lines
    return named and (is_called_so or len(cells) == len(names) or may_go_on)


def _texts(path: Path) -> Iterator[str]:
    for number, line in enumerate(read_lines(path), start=1):
        try:
            yield line.decode("utf-8")
        except UnicodeDecodeError as fault:
            raise ValueError(
                f"{path}, line {number}: not UTF-8 at byte {fault.start + 1}; save it as UTF-8"
            ) from fault


def _row(names: list[str], cells: list[str], lists: dict[str, bool]) -> dict[str, Any] | ValueError:
    if len(cells) != len(names):
        return ValueError(
            f"has {len(cells)} cells, and the header names {len(names)} columns; a text with the "
            "delimiter in it needs quotation marks"
        )
    return row_of_cells(names, cells, lists)


def row_of_cells(names: list[str], cells: list[str], lists: dict[str, bool]) -> dict[str, Any]:
    """Return the values of a row's cells under their names, of which there are as many.

    ``lists`` keeps which columns are ones of lists, by the first cell of each.

    Example:
        >>> row_of_cells(["", "id", "code"], ["0", "a", "[1, 2]"], {})
        {'id': 'a', 'code': [1, 2]}
    """
    row: dict[str, Any] = {}
    for name, cell in zip(names, cells, strict=True):
        if not name:  # the row's number, as pandas writes it
            continue
        row[name] = cell or None
        if cell and lists.setdefault(name, _as_list(cell) is not None):
            row[name] = _as_list(cell) or cell
    return row


def _as_list(cell: str) -> list[Any] | None:
    """Return the list that a cell spells; None if it spells none."""
    if not (cell.startswith("[") and cell.endswith("]")):
        return None
    for parse in (json.loads, ast.literal_eval):
        try:
            value = parse(cell)
        except (ValueError, SyntaxError, RecursionError, MemoryError):
            continue
        return value if isinstance(value, list) and value else None
    return None
