"""The tables of a run on disk. The only module that reads or writes Parquet under results/.

A run's problems are split, in order, into blocks of whole problems; each stage keeps one file per
block (samples: one per round of sampling), so that memory is bounded by a block, a stage that was
killed goes on at the next block, and topping up adds files without touching old ones.

Every file carries a ``fingerprint`` (of what it was made from) and a ``content`` hash (of what is
in it), and pages carry checksums, so that damage is noticed. A file appears by rename: it is there
whole or not at all.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Sequence
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from workbench.core.conditions import TEMPERATURE, UNKNOWN, temperature_name
from workbench.core.types import Sample

CONDITION = "condition"
KEY = ("problem_id", CONDITION, "sample_index")
STORED_KEY = ("problem_id", CONDITION, TEMPERATURE, "sample_index")
"""The key as tables have it: the temperature stands beside the condition that it is part of."""
DICTIONARIES = ("problem_id", CONDITION, "prompt_hash")
"""Columns of few texts that come many times."""

DAMAGE = (pa.ArrowException, OSError, UnicodeDecodeError, KeyError)
"""What reading a damaged file may raise: the reader's own errors, bad UTF-8, a lost stamp."""

SAMPLES = pa.schema({
    "problem_id": pa.string(), "condition": pa.string(), "temperature": pa.float64(),
    "sample_index": pa.int32(),
    "completion": pa.string(), "stop_reason": pa.string(), "num_output_tokens": pa.int32(),
    "output_token_ids": pa.list_(pa.int32()), "token_logprobs": pa.list_(pa.float32()),
    "cumulative_logprob": pa.float64(), "mean_logprob": pa.float64(), "seed": pa.int64(),
    "prompt_hash": pa.string(), "error": pa.string(), "token_entropies": pa.list_(pa.float32()),
    "missing_mass": pa.list_(pa.float32()), "mean_entropy": pa.float64(),
    "num_prompt_tokens": pa.int32(), "thought": pa.string(), "num_thought_tokens": pa.int32(),
    "thought_logprob": pa.float64(), "answer_logprob": pa.float64(),
    "thought_entropy": pa.float64(), "answer_entropy": pa.float64(),
    "turn": pa.int32(), "parent": pa.int32(),
})  # fmt: skip
"""``mean_…`` are means over all tokens, ``thought_…`` and ``answer_…`` over those of the two parts;
these are null where a sample has no thought, so that all of it is answer, or nobody counted."""

TURN_COLUMNS = ("turn", "parent")
"""Columns that only files with second answers have: 1 or 2, and of a second answer the index of the
first one that it corrects."""

THOUGHT_COLUMNS = (
    "thought", "num_thought_tokens", "thought_logprob", "answer_logprob", "thought_entropy",
    "answer_entropy",
)  # fmt: skip
"""Columns that only files with a thought have."""


def fingerprint(**parts: Any) -> str:
    """Return a short hash of named, JSON-able parts; equal parts give equal hashes.

    >>> fingerprint(seed=0, n=16)
    'b668fcf4095f9a5f'
    >>> fingerprint(n=16, seed=0) == fingerprint(seed=0, n=16)
    True
    """
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:16]


def sample_rows(samples: Sequence[Sample]) -> pa.Table:
    """Return samples as a table; without log-probabilities, or tokens of a part, means are null."""
    columns: dict[str, Any] = {name: [] for name in SAMPLES.names}
    for sample in samples:
        known = {"num_output_tokens": sample.length, "turn": sample.turn}
        for name, value in (vars(sample) | known).items():
            columns[name].append(value)
        logprobs, entropies = sample.token_logprobs, sample.token_entropies
        columns["cumulative_logprob"].append(sum(logprobs) if logprobs else None)
        columns["mean_logprob"].append(_mean(logprobs))
        columns["mean_entropy"].append(_mean(entropies))
        for name, values in (("logprob", logprobs), ("entropy", entropies)):
            parts = means_of_parts(values, sample.num_thought_tokens, sample.length)
            columns[f"thought_{name}"].append(parts[0])
            columns[f"answer_{name}"].append(parts[1])
    for field in SAMPLES:
        if pa.types.is_list(field.type):
            columns[field.name] = _lists(columns[field.name], field.type)
    return pa.table(columns, schema=SAMPLES)


def without_empty_columns(samples: pa.Table) -> pa.Table:
    """Return samples without the columns of thoughts or of turns where none of them has any."""
    for told_by, columns in (("thought", THOUGHT_COLUMNS), ("parent", TURN_COLUMNS)):
        if samples.column(told_by).null_count == samples.num_rows:
            samples = samples.drop_columns(list(columns))
    return samples


def with_conditions(table: pa.Table) -> pa.Table:
    """Return rows of a run that knew no factor but the temperature, each with its condition."""
    temperatures = table.column(TEMPERATURE).combine_chunks().dictionary_encode()
    known = [temperature_name(value) for value in temperatures.dictionary.to_pylist()]
    places = pc.fill_null(temperatures.indices, len(known))
    names = pa.array([*known, UNKNOWN], pa.string()).take(places)
    place = table.schema.names.index(TEMPERATURE)
    return table.add_column(place, CONDITION, names)


def means_of_parts(
    values: Sequence[float], num_thought_tokens: int | None, length: int | None
) -> tuple[float | None, float | None]:
    """Return the means of values of tokens over those of a thought, and over those of the answer.

    Both are None where it is not known which values are the thought's: nobody counted its tokens,
    or a server leaves out their values. It may leave out that of the token that ends the sample.

    >>> means_of_parts((-1.0, -2.0, -3.0), 1, 3), means_of_parts((-3.0,), 500, 501)
    ((-1.0, -2.5), (None, None))
    """
    if num_thought_tokens is None or len(values) + 1 < (length or 0):
        return None, None
    return _mean(values[:num_thought_tokens]), _mean(values[num_thought_tokens:])


def _mean(values: Sequence[float]) -> float | None:
    return sum(values) / len(values) if values else None


def _lists(rows: Sequence[Sequence[float]], kind: pa.ListType) -> pa.ListArray:
    """Return a column of lists of numbers; by way of numpy, three times as fast."""
    ends = np.cumsum([0, *map(len, rows)], dtype=np.int32)
    numbers = np.fromiter(chain.from_iterable(rows), kind.value_type.to_pandas_dtype(), ends[-1])
    return pa.ListArray.from_arrays(pa.array(ends), pa.array(numbers), type=kind)


def write_json(path: Path, value: Any) -> None:
    """Write JSON so that the file is there whole or as it was before."""
    write_text(path, json.dumps(value, indent=2, ensure_ascii=False) + "\n")


def write_text(path: Path, text: str) -> None:
    """Write text so that the file is there whole or as it was before."""
    write_atomically(path, lambda part: part.write_text(text, encoding="utf-8"))


def write_table(path: Path, table: pa.Table, made_from: str) -> None:
    """Write one block's table; ``made_from``: fingerprint of the stage's settings and inputs."""
    digest = hashlib.sha256()
    for batch in table.combine_chunks().to_batches():
        digest.update(batch.serialize())
    content, columns = digest.hexdigest()[:16], _columns(table.schema)
    # not the stamps of a file that it was read from
    stamped = table.replace_schema_metadata(
        {"fingerprint": made_from, "content": content, "columns": columns}
    )
    floats = [
        f"{field.name}.list.element" if pa.types.is_list(field.type) else field.name
        for field in table.schema
        if field.name.endswith(("logprob", "logprobs", "entropies", "mass", "entropy"))
    ]
    options = {
        "compression": "zstd", "use_byte_stream_split": floats, "write_page_checksum": True,
        "use_dictionary": [n for n in table.schema.names if n in DICTIONARIES],
    }  # fmt: skip
    write_atomically(path, lambda part: pq.write_table(stamped, part, **options))


def read_table(
    path: Path, columns: Sequence[str] | None = None, without: Sequence[str] = ()
) -> pa.Table:
    """Read some or all columns of one block's table, but for some that need not be there.

    Raises:
        ValueError: the file is damaged or cut short; the message names it and what to do.
    """
    try:
        with pq.ParquetFile(path, page_checksum_verification=True) as file:
            _read_stamps(file.schema_arrow)
            there = file.schema_arrow.names
            wanted = [name for name in columns or there if name not in without]
            asks = CONDITION in wanted or columns is None
            if CONDITION in there or TEMPERATURE not in there or not asks:
                return file.read(columns=wanted)
            table = with_conditions(file.read(columns=list(dict.fromkeys([*wanted, TEMPERATURE]))))
            kept = table.column_names if columns is None else wanted
            return table.select([name for name in kept if name in table.column_names])
    except DAMAGE as fault:
        if isinstance(fault, FileNotFoundError):
            raise
        raise DamagedFileError(path, fault) from fault


def read_stamps(path: Path) -> dict[str, str]:
    """Return a file's ``fingerprint`` and ``content``, from its footer; empty if there is none.

    Raises:
        ValueError: the file is damaged or cut short.
    """
    try:
        return _read_stamps(pq.read_schema(path))
    except FileNotFoundError:
        return {}
    except DAMAGE as fault:
        raise DamagedFileError(path, fault) from fault


def _read_stamps(schema: pa.Schema) -> dict[str, str]:
    """Return a footer's stamps, after checking the names and types, which no checksum covers."""
    metadata = schema.metadata or {}
    found = {key: metadata[key.encode()].decode() for key in ("fingerprint", "content")}
    if metadata.get(b"columns", b"").decode() not in ("", _columns(schema)):
        raise pa.ArrowInvalid("its column names or types are not those that were written")
    return found


def _columns(schema: pa.Schema) -> str:
    # Parquet's word for the members of a list is not Arrow's
    types = [str(field.type).replace("<item:", "<element:") for field in schema]
    return fingerprint(names=schema.names, types=types)


class DamagedFileError(ValueError):
    """A file of a run that cannot be read."""

    def __init__(self, path: Path, fault: Exception) -> None:
        """Name the file and the ways out."""
        self.path, self.fault = path, fault
        reason = str(fault).strip().splitlines()[0][:200] if str(fault).strip() else repr(fault)
        super().__init__(
            f"{path} is damaged ({reason}); restore it from a copy, or delete it to have what it "
            "held made again"
        )

    def __reduce__(self) -> tuple[type[DamagedFileError], tuple[Path, Exception]]:
        """Come whole out of a worker process."""
        return type(self), (self.path, self.fault)


def write_atomically(path: Path, write: Callable[[Path], Any]) -> None:
    """Let ``write`` make a file beside ``path``, push it to the disk and rename it to ``path``."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f"{path.name}.part")
    try:
        write(part)
        with part.open("rb+") as file:
            os.fsync(file.fileno())
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
