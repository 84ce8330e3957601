"""Files of samples are read into checked rows, one at a time, and their faults are collected."""

import json
import math
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from typing import Any

from pydantic import ValidationError

from workbench.config.faults import type_fault
from workbench.core.strict_json import without_nan
from workbench.interchange.column_mapping import IDENTITY, ColumnMapping, map_columns
from workbench.interchange.column_values import MISSING, text_leaves, typed, value_at
from workbench.interchange.readers import FORMATS
from workbench.interchange.readers.records import LocatedRecord, Record, split_row
from workbench.interchange.reward_scales import REWARD_SCALES
from workbench.interchange.row_faults import RowFaults
from workbench.interchange.sample_files import SampleFiles
from workbench.interchange.sample_lists import split_lists
from workbench.interchange.sample_row import THOUGHT_COLUMNS, RowLocation, SampleRow
from workbench.tasks.problem_files import FAULTS_SHOWN

FIRST_ROWS = 200
"""Rows by whose names and values columns are taken for what they are; fewer if they are long."""
FIRST_CHARACTERS = 8 << 20


class RowReader:
    """One pass over files of samples: their rows, and the faults found on the way."""

    def __init__(self, source: SampleFiles, mapping: ColumnMapping | None = None) -> None:
        """Begin before the first row; ``mapping`` where the columns are known from another pass.

        Raises:
            ValueError: the first rows leave it open what a column means.
        """
        self.source = source
        self._first_row: Record = {}
        self.mapping = mapping or self._mapping()
        self.file_number = 0
        """Which of the files is being read, from 0."""
        self.rows_without_samples = 0
        """Rows with an empty list of samples."""
        self.columns: dict[str, None] = {}
        """The files' own columns, in order of appearance."""
        self.theirs = self.mapping.theirs
        """Our name of a column -> the files' own."""
        self.faults = RowFaults()
        self._seen_values: dict[str, dict[str, None]] = {name: {} for name in source.where}

    def add_fault(self, location: RowLocation, message: str) -> None:
        """Note what is wrong with a row."""
        self.faults.add(location.label, message)

    def rows(self) -> Iterator[tuple[RowLocation, SampleRow]]:
        """Yield the sound rows that pass the filters; rewards as weights.

        Raises:
            ValueError: a file cannot be unpacked, or lacks a required column.
        """
        for location, record in self._records():
            if isinstance(record, ValueError):
                self.add_fault(location, str(record))
                continue
            is_first = not self.columns
            if not record.keys() <= self.columns.keys():
                self.columns |= dict.fromkeys(record)
            if is_first:  # once, or every row would be a fault of its own
                self._require(["problem_id", "text"])
            if not self._passes_filters(record):
                continue
            try:
                yield location, self._sample_row(record)
            except ValidationError as error:
                for item in error.errors(include_url=False):
                    wrong = type_fault(dict(item), {})
                    said = ": ".join([*self._label(wrong.at), wrong.message])
                    self.add_fault(location, said + self._remedy(wrong.at, record))
            except ValueError as error:
                self.add_fault(location, str(error))

    def check(self, taken: int) -> None:
        """Refuse files with faults, or of which no row was taken, because none passes the filters.

        Raises:
            ValueError: naming up to five faults by line, or the values that the filters saw.
        """
        name = self.source.name
        if self.faults and not self.columns and self.source.format == "jsonl":
            raise ValueError(
                f"{name} has no line that is a JSON object, as JSONL has:\n{self.faults.listed()}\n"
                "  read are also JSON over several lines, CSV and TSV with a header, and Parquet"
            )
        if self.faults:
            raise ValueError(f"{name} cannot be imported:\n{self.faults.listed()}")
        if not self.columns:
            needs = "; it needs one JSON object a line" if self.source.format == "jsonl" else ""
            raise ValueError(f"{name} holds no samples{needs}")
        self._require([*self.source.columns, *self.source.where])
        if not taken:
            there = "; ".join(
                f"{column} is {', '.join([*seen][:FAULTS_SHOWN])}"
                + (", ..." if len(seen) > FAULTS_SHOWN else "")
                for column, seen in self._seen_values.items()
            )
            raise ValueError(f"no row of {name} is what --where asks for: {there}")

    def _records(self) -> Iterator[tuple[RowLocation, Record | ValueError]]:
        number = 0
        holds_several = self.mapping.has_lists or not FORMATS[self.source.format].is_plain
        for row in self._file_rows():
            samples = iter([row])
            if self.mapping.has_lists and isinstance(row[1], dict):
                samples = split_row(row, self._split(row[0]), "its lists differ")
            for label, record in samples:
                if not record and holds_several:
                    self.rows_without_samples += 1
                    continue
                number += 1
                known = without_nan(record) if isinstance(record, dict) else record
                yield RowLocation(number, label), known

    def _split(self, label: str) -> Callable[[Record], Iterator[tuple[str, Record]]]:
        return lambda row: split_lists(row, self.theirs, label)

    def _file_rows(self) -> Iterator[LocatedRecord]:
        files = self.source.files
        for self.file_number, path in enumerate(files):
            for label, record in FORMATS[self.source.format].read(path):
                yield label if len(files) == 1 else f"{path.name}, {label}", record

    def _mapping(self) -> ColumnMapping:
        """Return what the columns are taken for, by the first rows."""
        if not FORMATS[self.source.format].is_plain:
            return IDENTITY
        first: list[Record] = []
        length = 0
        for _, record in islice(self._file_rows(), FIRST_ROWS):
            if isinstance(record, dict):
                first.append(without_nan(record))
                length += len(str(record))
            if length > FIRST_CHARACTERS:
                break
        self._first_row = first[0] if first else {}
        return map_columns(first, self.source.columns)

    def _sample_row(self, record: Record) -> SampleRow:
        values = {
            ours: typed(ours, value)
            for ours, name in self.theirs.items()
            if (name in record or "." in name) and (value := value_at(record, name)) is not MISSING
        }
        if values.get("thought") is None and "thought" not in self.source.columns:
            named = (record.get(name) for name in THOUGHT_COLUMNS)
            values["thought"] = next((t for t in named if t and isinstance(t, str)), None)
        failed = values.get("error") or values.get("stop_reason") == "error"
        if (values.get("thought") or failed) and "text" in values and values["text"] is None:
            values["text"] = ""  # cut off while it reasoned, or never drawn
        if isinstance(values.get("reward"), int | float) and math.isfinite(values["reward"]):
            values["reward"] = REWARD_SCALES[self.source.reward_scale](values["reward"])
        return SampleRow(**values)

    def _require(self, names: Sequence[str]) -> None:
        """Refuse files without some of our columns, once their own are known."""
        own = {name: self._own_name(name) for name in names}
        missing = [
            name
            for name, theirs in own.items()
            if theirs not in self.columns and theirs.partition(".")[0] not in self.columns
        ]
        if missing:
            lacks = " and ".join(repr(own[name]) for name in missing)
            raise ValueError(
                f"{self.source.name} has no column{'s' * (len(missing) > 1)} {lacks}; it has: "
                f"{', '.join(self.columns) or 'none'}"
                + (self._hint(missing) if FORMATS[self.source.format].is_plain else "")
            )

    def _hint(self, missing: Sequence[str]) -> str:
        """Return the flag that says which column one of ours is, with those that it may be."""
        flags = [
            flag
            for ours in (*missing, *(["problem"] if "problem_id" in missing else []))
            for flag in self.mapping.likely.values()
            if flag.startswith(f"--column {ours}=")
        ]
        if "text" in missing and not any(flag.startswith("--column text=") for flag in flags):
            flags += [f"--column text={leaf}" for leaf in text_leaves(self._first_row)]
        said = f". Say which one is meant with --column {missing[0]}=THEIRS"
        return said + (f", such as {' or '.join(flags[:4])}" if flags else "")

    def _passes_filters(self, record: Record) -> bool:
        passes = True
        for column, wanted in self.source.where.items():
            value = value_at(record, self._own_name(column))
            value = None if value is MISSING else value
            seen = self._seen_values[column]
            if len(seen) <= FAULTS_SHOWN:
                seen[value if isinstance(value, str) else json.dumps(value)] = None
            passes = passes and any(matches(value, text) for text in wanted)
        return passes

    def _own_name(self, column: str) -> str:
        """Return the files' own name of a column."""
        return self.theirs.get(column, column)

    def _label(self, path: tuple[str, ...]) -> list[str]:
        """Return the column of a fault, under both of its names; none for a whole row."""
        if not path:
            return []
        theirs = self._own_name(path[0])
        return [path[0] if theirs == path[0] else f"{path[0]} ({theirs})"]

    def _remedy(self, path: tuple[str, ...], record: Record) -> str:
        """Return what to do about a fault of plain files; nothing where that is not known."""
        if len(path) != 1 or not FORMATS[self.source.format].is_plain:
            return ""
        ours, theirs = path[0], self._own_name(path[0])
        value = value_at(record, theirs)
        if isinstance(value, list) and ours != "text":
            return f"; --column {ours}={theirs}.0 takes the first of the list"
        if ours == "text" and value is None:
            return (
                "; write '' for an empty text, and \"error\" with its message for a failed sample"
            )
        if ours == "reward" and isinstance(typed(ours, value), bool):
            return f"; if it is correctness: --column correct={theirs}"
        return ""


def matches(value: Any, text: str) -> bool:
    """Say whether a column's value is the VALUE of ``--where``: the same text, number or null.

    Example:
        >>> matches("big", "big"), matches(1, "1.0"), matches(None, "null")
        (True, True, True)
        >>> matches(True, "1"), matches(0.7, "high")
        (False, False)
    """
    if isinstance(value, str):
        return value == text
    try:
        meant = json.loads(text)
    except (ValueError, RecursionError):
        return False
    return bool(meant == value) and isinstance(meant, bool) == isinstance(value, bool)
