"""Samples that somebody else drew: files in, checked rows out, one at a time."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from workbench.config.faults import type_fault
from workbench.core.lookup import lookup
from workbench.interchange.readers import FORMATS
from workbench.interchange.readers.detect import find_files
from workbench.interchange.readers.record import Place, Record
from workbench.interchange.row import COLUMNS, ROUNDING, Row
from workbench.tasks.problem_files import FAULTS_SHOWN

REQUIRED = ("problem_id", "text")


def _probability(reward: float) -> float:
    if not 0 <= reward <= 1:
        raise ValueError(
            f"reward: {reward:g} is not a probability in [0, 1]; give --reward-scale logit (its "
            "sigmoid is kept) or log (a log-probability: its exponential)"
        )
    return reward


def _sigmoid(reward: float) -> float:
    small = math.exp(-abs(reward))
    return 1 / (1 + small) if reward >= 0 else small / (1 + small)


def _exponential(reward: float) -> float:
    if reward > ROUNDING:
        raise ValueError(
            f"reward: {reward:g} is not a log-probability, which is at most 0; give "
            "--reward-scale logit or probability"
        )
    return min(1.0, math.exp(reward))


SCALES: dict[str, Callable[[float], float]] = {
    "probability": _probability,
    "logit": _sigmoid,
    "log": _exponential,
}
"""What a reward is -> the same as a weight in [0, 1], larger where the reward is larger."""


@dataclass(frozen=True)
class Source:
    """Files of one format and how they are to be read."""

    files: tuple[Path, ...]
    format: str
    """A key of ``FORMATS``."""
    columns: Mapping[str, str] = field(default_factory=dict)
    """Our name of a column -> theirs, where they differ."""
    where: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Column -> the values, as text, of the rows that are taken."""
    reward_scale: str = "probability"

    @property
    def name(self) -> str:
        """What messages call it."""
        more = len(self.files) - 1
        return f"{self.files[0]}" + (f" and {more} more files" if more else "")


def source(
    paths: Sequence[Path],
    columns: Sequence[str] = (),
    where: Sequence[str] = (),
    scale: str = "probability",
) -> Source:
    """Return a source from the options of a command line.

    Args:
        paths: files of one format, or folders of such files.
        columns: renamings, each ``OURS=THEIRS``.
        where: filters, each ``COLUMN=VALUE``; several of one column take either value.
        scale: a key of ``SCALES``.

    Raises:
        ValueError: a file is not there, is damaged or of no known format, or several are of
            different ones; or an option is malformed.
    """
    files, kind = find_files(paths)
    if columns and not FORMATS[kind].renamed:
        raise ValueError(
            f"--column {columns[0]}: the columns of {files[0]} are known, as it is of the format "
            f"{kind}; leave --column out"
        )
    lookup(SCALES, scale, "reward scale")
    renamed: dict[str, str] = {}
    for option in columns:
        ours, _, theirs = option.partition("=")
        if not (ours and theirs):
            raise ValueError(f"--column {option}: expected OURS=THEIRS, such as text=completion")
        lookup(dict.fromkeys(COLUMNS), ours, "column")
        if ours in renamed:
            raise ValueError(f"--column {option}: {ours} is already {renamed[ours]}")
        renamed[ours] = theirs
    wanted: dict[str, tuple[str, ...]] = {}
    for option in where:
        name, equals, value = option.partition("=")
        if not (name and equals):
            raise ValueError(f"--where {option}: expected COLUMN=VALUE, such as temperature=0.7")
        wanted[name] = (*wanted.get(name, ()), value)
    return Source(files, kind, renamed, wanted, scale)


class Reading:
    """One pass over a source: its rows, and what was noticed on the way."""

    def __init__(self, source: Source) -> None:
        """Begin before the first row."""
        self.source = source
        self.columns: dict[str, None] = {}
        """Their columns, in order of appearance."""
        self.faults: list[str] = []
        self._hidden = 0
        self._seen: dict[str, dict[str, None]] = {name: {} for name in source.where}

    def fault(self, place: Place, message: str) -> None:
        """Note what is wrong at a place; only the first few are kept."""
        if len(self.faults) < FAULTS_SHOWN:
            self.faults.append(f"  {place.label}: {message}")
        else:
            self._hidden += 1

    def rows(self) -> Iterator[tuple[Place, Row]]:
        """Yield (place, row) of the sound rows that are taken; rewards as weights.

        Raises:
            ValueError: a file cannot be unpacked, or has not the columns that are needed.
        """
        theirs = {name: self.source.columns.get(name, name) for name in COLUMNS}
        for place, record in self._records():
            try:
                if isinstance(record, ValueError):
                    raise record
                first = not self.columns
                self.columns |= dict.fromkeys(record)
                if first:  # or every row would be a fault of its own
                    self._require(REQUIRED, theirs)
                if self._taken(record, theirs):
                    yield place, self._row(record, theirs)
            except MissingColumnError:
                raise
            except ValidationError as error:
                for item in error.errors(include_url=False):
                    wrong = type_fault(dict(item), {})
                    self.fault(place, ": ".join([*_label(wrong.at, theirs), wrong.message]))
            except ValueError as error:
                self.fault(place, str(error))

    def _records(self) -> Iterator[tuple[Place, Record | ValueError]]:
        files = self.source.files
        number = 0
        for path in files:
            for label, record in FORMATS[self.source.format].read(path):
                number += 1
                within = label if len(files) == 1 else f"{path.name}, {label}"
                yield Place(number, within), record

    def _row(self, record: Mapping[str, Any], theirs: Mapping[str, str]) -> Row:
        values = {ours: record[name] for ours, name in theirs.items() if name in record}
        if isinstance(values.get("reward"), int | float) and math.isfinite(values["reward"]):
            values["reward"] = SCALES[self.source.reward_scale](values["reward"])
        return Row(**values)

    def _require(self, names: Sequence[str], theirs: Mapping[str, str]) -> None:
        """Refuse a file without some of our columns, once its own are known."""
        missing = [name for name in names if theirs.get(name, name) not in self.columns]
        if missing:
            raise MissingColumnError(
                f"{self.source.name} has no column "
                f"{', '.join(repr(theirs.get(name, name)) for name in missing)}; it has: "
                f"{', '.join(self.columns) or 'none'}"
                + (
                    f". Say which one is meant with --column {missing[0]}=THEIRS"
                    if FORMATS[self.source.format].renamed
                    else ""
                )
            )

    def _taken(self, record: Mapping[str, Any], theirs: Mapping[str, str]) -> bool:
        taken = True
        for column, wanted in self.source.where.items():
            value = record.get(theirs.get(column, column))
            if len(self._seen[column]) <= FAULTS_SHOWN:
                self._seen[column][_spelling(value)] = None
            taken = taken and any(_is(value, text) for text in wanted)
        return taken

    def check(self, found: int) -> None:
        """Refuse a file with faults, or without any row that is taken.

        Args:
            found: how many rows were taken.

        Raises:
            ValueError: naming up to five faults by line, or what there is instead.
        """
        name = self.source.name
        if self.faults:
            more = [f"  and {self._hidden:,} more"] if self._hidden else []
            raise ValueError("\n".join([f"{name} cannot be imported:", *self.faults, *more]))
        if not self.columns:
            needs = "; it needs one JSON object a line" if self.source.format == "jsonl" else ""
            raise ValueError(f"{name} holds no samples{needs}")
        self._require([*self.source.columns, *self.source.where], self.source.columns)
        if not found:
            there = "; ".join(
                f"{column} is {', '.join(list(seen)[:FAULTS_SHOWN])}"
                + (", ..." if len(seen) > FAULTS_SHOWN else "")
                for column, seen in self._seen.items()
            )
            raise ValueError(f"no row of {name} is what --where asks for: {there}")


class MissingColumnError(ValueError):
    """A file without a column that has to be there."""


def _label(at: tuple[str, ...], theirs: Mapping[str, str]) -> list[str]:
    """Return where in a row a fault is, under both names of the column."""
    if not at:
        return []
    name = theirs.get(at[0], at[0])
    return [at[0] if name == at[0] else f"{at[0]} ({name})"]


def _spelling(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _is(value: Any, text: str) -> bool:
    """Say whether a value is what an option says: the text itself, or the same number or null."""
    if isinstance(value, str):
        return value == text
    try:
        meant = json.loads(text)
    except ValueError:
        return False
    return bool(meant == value) and isinstance(meant, bool) == isinstance(value, bool)
