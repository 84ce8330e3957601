"""Logs of Inspect: Inspect's sample is our problem, and each of its epochs is a sample here.

A ``.eval`` log is a zip with a header and a JSON file for each sample and epoch. They are deflated
or, since about Inspect 0.3.190, packed by zstd, which Python's zipfile cannot unpack but Arrow can.
A ``.json`` log is one object with the samples in a list. Logs of Inspect since 0.3.41 are read.
``inspect_messages.py`` says where the texts of a sample are, ``inspect_scores.py`` what its scores
are taken for. Source: https://inspect.aisi.org.uk/eval-logs.html, version 2.
"""

import json
import re
import struct
import zipfile
import zlib
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache, partial
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pyarrow as pa

from workbench.core.bounded_lines import LONGEST_LINE
from workbench.core.unpacked_files import MIB, damaged
from workbench.interchange.readers.file_beginning import FileBeginning
from workbench.interchange.readers.inspect_messages import (
    attached,
    message_text,
    question,
    thought,
)
from workbench.interchange.readers.inspect_scores import Scale, gradings, is_judged, scales_of
from workbench.interchange.readers.json_stream import DamagedJsonError, stream_members
from workbench.interchange.readers.newer_versions import INSPECT_KEYS, say_newer
from workbench.interchange.readers.records import (
    LocatedRecord,
    Record,
    limits_of,
    say_once,
    split_row,
)

INTERPRETATION = (
    "epochs as samples; a score of C or 1 is correct, I, N or 0 is not; P and the values of a "
    "scorer that gives others are unknown, and read as rewards; errors and limits as such; "
    "log-probabilities where the tokens spell the text (the provider hf logs those of others: left "
    "out)"
)
VERSION = 2
HEADER, JOURNAL, SUMMARIES = "header.json", "_journal/start.json", "summaries.json"
MEMBER = re.compile(r"samples/(.*)_epoch_(\d+)\.json", re.DOTALL)
"""The name of a sample's member of a zip: its id and its epoch."""
ZSTD = 93
UNSOUND = "hf/"
"""A provider that logs the log-probabilities of the likeliest tokens, not of the sampled ones, and
for each sample of a batch the token count of the longest one (0.3.285)."""
DAMAGE = (
    ValueError, KeyError, OSError, RecursionError, zipfile.BadZipFile, zlib.error,
    pa.ArrowException,
)  # fmt: skip
"""What reading a damaged member may raise."""


def recognise(beginning: FileBeginning) -> bool:
    """Take a zip with a header or journal, or one JSON object that begins as a log does."""
    if beginning.kind == "zip":
        return bool(beginning.names & {HEADER, JOURNAL})
    is_log = beginning.mentions("version", "eval")  # of other objects in a line, few have a plan
    return is_log and (beginning.kind == "json" or bool(beginning.names & {"plan", "samples"}))


def read(path: Path) -> Iterator[LocatedRecord]:
    """Yield the samples of a log.

    Raises:
        ValueError: it is damaged, of another version, not finished, or has no samples.
    """
    with path.open("rb") as file:
        packed = file.read(2) == b"PK"
    is_empty, stat = True, path.stat()
    scales = _scales(path.resolve(), packed, (stat.st_mtime_ns, stat.st_size))
    for name, scale in scales.items():
        if not scale.is_correctness:
            say_once(f"{path.name}: {scale.remark(name)}")
    for label, sample, header in _read_zip(path) if packed else _read_json(path):
        if is_empty and isinstance(sample, dict) and header["version"] > VERSION:
            remark = f"{path.name} is a log of version {header['version']}, and {VERSION} is known"
            say_newer(remark, {*sample, *header}, INSPECT_KEYS)
        is_empty = False
        split = partial(_gradings, header=header, scales=scales)
        yield from split_row((label, sample), split, "not in the known form of a sample of Inspect")
    if is_empty:
        raise ValueError(
            f"{path} has no samples: its eval was run without logging them (--no-log-samples)"
        )


@lru_cache(maxsize=64)
def _scales(path: Path, packed: bool, changed: tuple[int, int]) -> dict[str, Scale]:
    """Return the scale of each scorer of a log, as far as the log can be read.

    A zip has the scores of all samples in one member. An import reads a file twice; the scales are
    found once, unless the file has ``changed``.
    """
    try:
        if not packed:
            members = stream_members(path, "samples")
            return scales_of(value for key, value in members if key == "samples")
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
            if SUMMARIES in names and isinstance(all_of := _parsed(path, archive, SUMMARIES), list):
                return scales_of(all_of)
            return scales_of(_parsed(path, archive, n) for n in names if MEMBER.fullmatch(n))
    except (*DAMAGE, DamagedJsonError):
        return {}  # it is named when the samples are read


def _read_zip(path: Path) -> Iterator[tuple[str, Record | ValueError, Record]]:
    """Yield (label, sample, header) of a log's samples, in their order in the data set."""
    with zipfile.ZipFile(path) as archive:
        names = set(archive.namelist())
        if HEADER not in names:
            raise ValueError(f"{path} is of an eval that has not finished: it has no {HEADER}")
        header = _parsed(path, archive, HEADER)
        if isinstance(header, ValueError):
            raise ValueError(f"{path}, {HEADER}: {header}")
        _check(path, header)
        ids = ((header.get("eval") or {}).get("dataset") or {}).get("sample_ids") or []
        order = {str(name): i for i, name in enumerate(ids)}  # as Inspect itself names them
        order |= {member_stem(str(name)): i for i, name in enumerate(ids)}

        def rank(name: str) -> tuple[int, str, int]:
            sample_id, epoch = inside[name].groups()
            return order.get(sample_id, len(order)), sample_id, int(epoch)

        inside = {name: found for name in names if (found := MEMBER.fullmatch(name))}
        for name in sorted(inside, key=rank):
            yield name, _parsed(path, archive, name), header


def member_stem(sample_id: str) -> str:
    """Return what a sample's id is called in the name of a zip's member, as our exports have it.

    Inspect takes the id itself, and so do we, because it looks a single sample up by that name. An
    id that would leave the folder, or that a zip cuts short, is percent-encoded, and so is every
    id with a percent sign, so that no two ids have one name. The log has the id itself.

    Example:
        >>> member_stem("algebra/1.json"), member_stem("../../etc/x"), member_stem("50%")
        ('algebra/1.json', '..%2F..%2Fetc%2Fx', '50%25')
    """
    leaves = ".." in sample_id.split("/") or "\\" in sample_id  # a separator on Windows
    is_unsafe = leaves or re.search(r"[%\x00-\x1f]", sample_id)
    return quote(sample_id, safe="") if is_unsafe else sample_id


def _parsed(path: Path, archive: zipfile.ZipFile, name: str) -> Any:
    """Return the value of a member's JSON, or what is wrong with it."""
    size = archive.getinfo(name).file_size
    if size > LONGEST_LINE:
        most = f"{LONGEST_LINE // MIB} MiB, which is the most that is read of one sample"
        return ValueError(f"unpacks to {size // MIB:,} MiB; more than {most}")
    try:
        return json.loads(_member(path, archive, name))
    except DAMAGE as fault:
        return ValueError(f"damaged ({fault}); fetch the file again")


def _member(path: Path, archive: zipfile.ZipFile, name: str) -> bytes:
    """Return a member's content."""
    info = archive.getinfo(name)
    if info.compress_type != ZSTD:
        return archive.read(info)
    with path.open("rb") as file:
        file.seek(info.header_offset + 26)
        name_and_extra = struct.unpack("<HH", file.read(4))  # the lengths of what comes before it
        file.seek(sum(name_and_extra), 1)
        raw = file.read(info.compress_size)
    with pa.CompressedInputStream(pa.BufferReader(raw), "zstd") as stream:
        content: bytes = stream.read(LONGEST_LINE + 1)
    if len(content) != info.file_size or zlib.crc32(content) != info.CRC:
        raise zipfile.BadZipFile(f"Bad CRC-32 for file {name!r}")
    return content


def _read_json(path: Path) -> Iterator[tuple[str, Record, Record]]:
    """Yield (label, sample, header) of a log's samples."""
    header: Record = {}
    number = 0
    try:
        for key, value in stream_members(path, "samples"):
            if key != "samples":
                header[key] = value
                continue
            if number == 0:
                _check(path, header)
            number += 1
            label = f"sample {number}"
            if isinstance(value, dict):
                label = f"sample {value.get('id')!r}, epoch {value.get('epoch')}"
            yield label, value, header
    except (DamagedJsonError, UnicodeDecodeError) as fault:
        raise damaged(path, f"cannot be read beyond its sample {number}", fault) from fault
    if number == 0:
        _check(path, header)


def _check(path: Path, header: Mapping[str, Any]) -> None:
    if not isinstance(header, Mapping) or not isinstance(header.get("eval"), Mapping):
        raise ValueError(f"{path} has not the form of a log of Inspect: its header has no eval")
    version, status = header.get("version"), header.get("status")
    if not isinstance(version, int) or version < VERSION:
        raise ValueError(
            f"{path} is a log of version {version}, and {VERSION} is known; convert it with a "
            "newer Inspect, `inspect log convert`"
        )
    if status != "success":
        error = (header.get("error") or {}).get("message") or ""
        why = f" ({' '.join(str(error).split())[:200]})" if error else ""
        raise ValueError(
            f"{path}: its eval ended with status {status!r}{why}, so that pools may lack samples; "
            "complete it with `inspect eval-retry`"
        )


def _gradings(
    sample: Record, header: Mapping[str, Any], scales: Mapping[str, Scale]
) -> Iterator[tuple[str, Record]]:
    """Yield a sample's columns once for each of its gradings; all have the sample's own label."""
    shared = _record(sample, header)
    for grade in [*gradings(sample, shared["text"], scales)] or _ungraded(header):
        record = shared | grade | (shared.get("workbench") or {})
        if is_judged(grade["graded_by"], scales):
            record["gold"] = None  # what a judge goes by is not what an answer must equal
        yield "", record


def _ungraded(header: Mapping[str, Any]) -> list[Record]:
    """Return the graders of a sample without scores, such as one that ended with an error."""
    scores = (header.get("results") or {}).get("scores") or [{"scorer": None, "name": None}]
    names = [(row["scorer"], row["name"]) for row in scores]
    return [{"graded_by": one if one == part else f"{one}.{part}"} for one, part in names]


def _record(sample: Mapping[str, Any], header: Mapping[str, Any]) -> Record:
    """Return the columns of a sample that do not depend on the grader."""
    output = sample.get("output") or {}
    choice = (output.get("choices") or [{}])[0]
    attachments = sample.get("attachments") or {}
    completion = output.get("completion") or message_text(choice, attachments)
    target = sample["target"]
    record = _drawn(sample, header) | {
        "problem_id": sample["id"],
        "sample_index": sample["epoch"] - 1,
        "text": attached(completion, attachments),
        "thought": thought(choice, attachments),
        "problem": question(sample, attachments),
        "gold": (target[0] if len(target) == 1 else None) if isinstance(target, list) else target,
        "model": header["eval"]["model"],
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
        if record["thought"] is not None:
            record["num_thought_tokens"] = output["usage"].get("reasoning_tokens")
    return record


def _spell(tokens: Sequence[Mapping[str, Any]], text: str) -> bool:
    """Say whether tokens, written as in the vocabulary (``\u0120two``), spell a text, or more."""
    spelt = "".join(token["token"] for token in tokens)
    letters = re.compile(r"[^A-Za-z0-9]+")
    return letters.sub("", text) in letters.sub("", spelt)


def _drawn(sample: Mapping[str, Any], header: Mapping[str, Any]) -> Record:
    """Return temperature and limits of a sample's calls of the model, or else of the eval.

    Of several calls the last one drew the text, so that its limits count.
    """
    made = _calls_before_scoring(sample.get("events") or [])
    calls = [call.get("config") or {} for call in made]
    given = [call.get("temperature") for call in calls]
    own = sorted({float(temperature) for temperature in given if temperature is not None})
    if len(own) > 1:
        at = ", ".join(f"{temperature:g}" for temperature in own)
        raise ValueError(f"temperature: its calls of the model are at {at}, and a sample is of one")
    whole = (header.get("plan") or {}).get("config") or {}
    settings = whole | (header["eval"].get("model_generate_config") or {})
    for call in calls:
        settings |= {name: value for name, value in call.items() if value is not None}
    temperature = own[0] if own else settings.get("temperature")
    return {"temperature": temperature} | limits_of(settings)


def _calls_before_scoring(events: Sequence[Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
    """Yield the calls of the model that drew a sample, and not those of a judge."""
    for event in events:
        begins = event.get("event") in ("step", "span_begin")  # steps are of before May 2025
        if begins and {event.get("type"), event.get("name")} & {"scorer", "scorers"}:
            return
        if event.get("event") == "model":
            yield event
