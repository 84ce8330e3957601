"""Files of samples are read into checked rows, one at a time, and their faults are collected."""

import json
import math
from collections.abc import Iterator, Sequence
from typing import Any

from pydantic import ValidationError

from workbench.config.faults import type_fault
from workbench.core.strict_json import without_nan
from workbench.interchange.readers import FORMATS
from workbench.interchange.readers.records import Record
from workbench.interchange.reward_scales import REWARD_SCALES
from workbench.interchange.sample_files import SampleFiles
from workbench.interchange.sample_row import SAMPLE_COLUMNS, THOUGHT_COLUMNS, RowLocation, SampleRow
from workbench.tasks.problem_files import FAULTS_SHOWN


class RowReader:
    """One pass over files of samples: their rows, and the faults found on the way."""

    def __init__(self, source: SampleFiles) -> None:
        """Begin before the first row."""
        self.source = source
        self.columns: dict[str, None] = {}
        """The files' own columns, in order of appearance."""
        self.theirs = {name: source.columns.get(name, name) for name in SAMPLE_COLUMNS}
        """Our name of a column -> the files' own."""
        self.faults: list[str] = []
        self._hidden_faults = 0
        self._seen_values: dict[str, dict[str, None]] = {name: {} for name in source.where}

    def add_fault(self, location: RowLocation, message: str) -> None:
        """Note what is wrong with a row; only the first few are kept."""
        if len(self.faults) < FAULTS_SHOWN:
            self.faults.append(f"  {location.label}: {message}")
        else:
            self._hidden_faults += 1

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
                    self.add_fault(location, ": ".join([*self._label(wrong.at), wrong.message]))
            except ValueError as error:
                self.add_fault(location, str(error))

    def check(self, taken: int) -> None:
        """Refuse files with faults, or of which no row was taken, because none passes the filters.

        Raises:
            ValueError: naming up to five faults by line, or the values that the filters saw.
        """
        name = self.source.name
        if self.faults:
            more = [f"  and {self._hidden_faults:,} more"] if self._hidden_faults else []
            raise ValueError("\n".join([f"{name} cannot be imported:", *self.faults, *more]))
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
        files, number = self.source.files, 0
        for path in files:
            for label, record in FORMATS[self.source.format].read(path):
                number += 1
                within = label if len(files) == 1 else f"{path.name}, {label}"
                known = without_nan(record) if isinstance(record, dict) else record
                yield RowLocation(number, within), known

    def _sample_row(self, record: Record) -> SampleRow:
        values = {ours: record[name] for ours, name in self.theirs.items() if name in record}
        if values.get("thought") is None and "thought" not in self.source.columns:
            named = (record.get(name) for name in THOUGHT_COLUMNS)
            values["thought"] = next((t for t in named if t and isinstance(t, str)), None)
        if values.get("thought") and "text" in values and values["text"] is None:
            values["text"] = ""  # cut off while it reasoned
        if isinstance(values.get("reward"), int | float) and math.isfinite(values["reward"]):
            values["reward"] = REWARD_SCALES[self.source.reward_scale](values["reward"])
        return SampleRow(**values)

    def _require(self, names: Sequence[str]) -> None:
        """Refuse files without some of our columns, once their own are known."""
        missing = [name for name in names if self._own_name(name) not in self.columns]
        if missing:
            lacks = ", ".join(repr(self._own_name(name)) for name in missing)
            hint = f". Say which one is meant with --column {missing[0]}=THEIRS"
            raise ValueError(
                f"{self.source.name} has no column {lacks}; it has: "
                f"{', '.join(self.columns) or 'none'}"
                + (hint if FORMATS[self.source.format].is_plain else "")
            )

    def _passes_filters(self, record: Record) -> bool:
        passes = True
        for column, wanted in self.source.where.items():
            value = record.get(self._own_name(column))
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
