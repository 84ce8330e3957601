"""Logs of Inspect: an epoch of a sample there is a sample here, and their sample is our problem.

A ``.eval`` log is a zip with a header and a JSON file for each sample and epoch, deflated or, since
0.3.190 or so, zstd, which Python's zipfile does not know and Arrow does. A ``.json`` log is one
object with the samples in a list. Source: https://inspect.aisi.org.uk/eval-logs.html, version 2.
"""

from __future__ import annotations

import json
import struct
import zipfile
import zlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from workbench.interchange.readers.json_stream import DamagedJsonError, stream_members
from workbench.interchange.readers.record import Item, Record

if TYPE_CHECKING:
    from workbench.interchange.readers.sniff import Peek

KEPT = (
    "epochs as samples; a score of C or 1 is correct, I, N or 0 is not, any other is unknown; "
    "errors and limits as such; log-probabilities where the tokens spell the text (the provider hf "
    "logs those of others: left out)"
)
VERSION = 2
HEADER, START = "header.json", "_journal/start.json"
ZSTD = 93
LOCAL_HEADER = 30
UNSOUND = "hf/"
"""A provider whose log-probabilities are those of the likeliest tokens and not of the sampled ones,
and whose counts of tokens are those of the longest sample of a batch (0.3.285)."""
CORRECT = {"C": True, "I": False, "N": False}


def recognise(seen: Peek) -> bool:
    """A zip with its header or journal, or one JSON object with an eval's version and status."""
    if seen.kind == "zip":
        return bool(seen.names & {HEADER, START})
    beginning = seen.beginning[:4096]
    return seen.kind == "json" and '"version"' in beginning and '"eval"' in beginning


def read(path: Path) -> Iterator[Item]:
    """Yield the samples of a log.

    Raises:
        ValueError: it is damaged, of another version, not finished, or has no samples.
    """
    with path.open("rb") as file:
        packed = file.read(2) == b"PK"
    found = False
    for item in _of_zip(path) if packed else _of_json(path):
        found = True
        yield item
    if not found:
        raise ValueError(
            f"{path} has no samples: its eval was run without logging them (--no-log-samples)"
        )


def _of_zip(path: Path) -> Iterator[Item]:
    with zipfile.ZipFile(path) as archive:
        names = set(archive.namelist())
        if HEADER not in names:
            raise ValueError(f"{path} is of an eval that has not finished: it has no {HEADER}")
        try:
            header = json.loads(_member(path, archive, HEADER))
        except DAMAGE as fault:
            raise ValueError(f"{path}, {HEADER}: damaged ({fault}); fetch it again") from fault
        _check(path, header)
        order = {str(name): i for i, name in enumerate(_sample_ids(header))}

        def rank(name: str) -> tuple[int, str, int]:
            asked, _, epoch = (
                name.removeprefix("samples/").removesuffix(".json").rpartition("_epoch_")
            )
            return order.get(asked, len(order)), asked, int(epoch)

        inside = [name for name in names if name.startswith("samples/") and "_epoch_" in name]
        for name in sorted(inside, key=rank):
            try:
                sample = json.loads(_member(path, archive, name))
            except DAMAGE as fault:
                yield name, ValueError(f"damaged ({fault}); fetch the file again")
                continue
            for record in _records(sample, header):
                yield name, record


DAMAGE = (ValueError, KeyError, OSError, zipfile.BadZipFile, zlib.error, pa.ArrowException)
"""What reading a damaged member may raise."""


def _member(path: Path, archive: zipfile.ZipFile, name: str) -> bytes:
    """Return a member's content."""
    info = archive.getinfo(name)
    if info.compress_type != ZSTD:
        return archive.read(info)
    with path.open("rb") as file:
        file.seek(info.header_offset)
        header = file.read(LOCAL_HEADER)
        file.seek(sum(struct.unpack("<HH", header[26:30])), 1)  # its name and extra field
        raw = file.read(info.compress_size)
    with pa.CompressedInputStream(pa.BufferReader(raw), "zstd") as stream:
        content: bytes = stream.read()
    if len(content) != info.file_size or zlib.crc32(content) != info.CRC:
        raise zipfile.BadZipFile(f"Bad CRC-32 for file {name!r}")
    return content


def _of_json(path: Path) -> Iterator[Item]:
    header: dict[str, Any] = {}
    number = 0
    try:
        for key, value in stream_members(path, "samples"):
            if key != "samples":
                header[key] = value
                continue
            if number == 0:
                _check(path, header)
            number += 1
            for record in _records(value, header):
                yield f"sample {value.get('id')!r}, epoch {value.get('epoch')}", record
    except (DamagedJsonError, UnicodeDecodeError) as fault:
        raise ValueError(
            f"{path} cannot be read beyond its sample {number} ({fault}); it is cut off or "
            "damaged: fetch it again"
        ) from fault
    if number == 0:
        _check(path, header)


def _check(path: Path, header: Mapping[str, Any]) -> None:
    version, status = header.get("version"), header.get("status")
    if version != VERSION:
        raise ValueError(
            f"{path} is a log of version {version}, and {VERSION} is known; convert it with a "
            "newer or older Inspect: `inspect log convert`"
        )
    if status != "success":
        error = (header.get("error") or {}).get("message") or ""
        why = f" ({' '.join(str(error).split())[:200]})" if error else ""
        raise ValueError(
            f"{path}: its eval ended with status {status!r}{why}, so that pools may lack samples; "
            "complete it with `inspect eval-retry`"
        )


def _sample_ids(header: Mapping[str, Any]) -> list[Any]:
    return ((header.get("eval") or {}).get("dataset") or {}).get("sample_ids") or []


def _records(sample: Mapping[str, Any], header: Mapping[str, Any]) -> Iterator[Record | ValueError]:
    """Yield a sample's columns, for each of its gradings."""
    try:
        plain = _record(sample, header)
        scores = sample.get("scores") or {}
        graded = [grade for key, score in scores.items() for grade in _graded(key, score)]
        for grade in graded or _ungraded(header):
            yield plain | grade | (plain.get("workbench") or {})
    except (KeyError, TypeError, AttributeError, IndexError) as fault:
        yield ValueError(f"not as a sample of Inspect is ({type(fault).__name__}: {fault})")
    except ValueError as fault:
        yield fault


def _graded(key: str, score: Mapping[str, Any]) -> Iterator[Record]:
    """Yield answer and correctness of a scorer's score, or of each value that it has."""
    value = score["value"]
    for name, part in value.items() if isinstance(value, dict) else [("", value)]:
        correct = CORRECT.get(part) if isinstance(part, str) else part
        if correct not in (0, 1):  # partly correct, a mark, a list
            correct = None
        yield {
            "graded_by": f"{key}.{name}" if name else key,
            "answer": score.get("answer"),
            "correct": None if correct is None else bool(correct),
        }


def _ungraded(header: Mapping[str, Any]) -> list[Record]:
    """Return what a sample without scores, as of an error, would have been graded by."""
    scores = (header.get("results") or {}).get("scores") or [{"scorer": None, "name": None}]
    return [
        {
            "graded_by": row["scorer"]
            if row["name"] == row["scorer"]
            else f"{row['scorer']}.{row['name']}"
        }
        for row in scores
    ]


def _record(sample: Mapping[str, Any], header: Mapping[str, Any]) -> Record:
    """Return what a sample holds, but for its grades."""
    output = sample.get("output") or {}
    choice = (output.get("choices") or [{}])[0]
    attachments = sample.get("attachments") or {}
    said = output.get("completion") or ""
    target = sample["target"]
    record = {
        "problem_id": sample["id"],
        "sample_index": sample["epoch"] - 1,
        "text": attachments.get(said.removeprefix("attachment://"), said),
        "problem": _question(sample["input"], attachments),
        "gold": (target[0] if len(target) == 1 else None) if isinstance(target, list) else target,
        "model": header["eval"]["model"],
        "temperature": _temperature(sample, header),
        "stop_reason": choice.get("stop_reason"),
        "workbench": (sample.get("metadata") or {}).get("workbench"),
    }
    if sample.get("limit"):
        record["stop_reason"] = "length"
    if sample.get("error"):
        record |= {"stop_reason": "error", "error": sample["error"].get("message")}
    if record["model"].startswith(UNSOUND):
        return record
    logprobs = (choice.get("logprobs") or {}).get("content")
    if logprobs and (record["workbench"] or _spell(logprobs, record["text"])):
        record["token_logprobs"] = [token["logprob"] for token in logprobs]
    elif output.get("usage"):
        record["num_tokens"] = output["usage"].get("output_tokens")
    return record


def _spell(tokens: Sequence[Mapping[str, Any]], text: str) -> bool:
    """Say whether the tokens whose log-probabilities are there are those that were sampled.

    They may be spelt as in the vocabulary (``\u0120two``), and be more than there is of the text.
    """
    spelt, said = (
        "".join(char for char in part if char.isascii() and char.isalnum())
        for part in ("".join(token["token"] for token in tokens), text)
    )
    return said in spelt


def _question(given: Any, attachments: Mapping[str, str]) -> str:
    """Return what the model is asked: a text, or what the user says last."""
    if not isinstance(given, str):
        given = [message for message in given if message["role"] == "user"][-1]["content"]
    if not isinstance(given, str):
        given = "\n".join(part["text"] for part in given if part.get("type") == "text")
    return attachments.get(given.removeprefix("attachment://"), given)


def _temperature(sample: Mapping[str, Any], header: Mapping[str, Any]) -> float | None:
    """Return what a sample was drawn at: as its calls say, else the eval's own settings.

    Raises:
        ValueError: its calls were at several temperatures.
    """
    calls = [event for event in sample.get("events") or [] if event.get("event") == "model"]
    said = [(call.get("config") or {}).get("temperature") for call in calls]
    own = sorted({float(temperature) for temperature in said if temperature is not None})
    if len(own) > 1:
        there = ", ".join(f"{temperature:g}" for temperature in own)
        raise ValueError(
            f"temperature: its calls of the model are at {there}, and a sample is of one"
        )
    whole = (header.get("plan") or {}).get("config") or {}
    settings = whole | (header["eval"].get("model_generate_config") or {})
    return own[0] if own else settings.get("temperature")
