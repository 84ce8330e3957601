"""Reads the files that W&B writes offline, without W&B's own reader of them."""

import json
import struct
import zlib

BLOCK = 32_768
FULL, FIRST, MIDDLE, LAST = 1, 2, 3, 4


def payloads(data):
    """The records of an offline W&B file: LevelDB's log format after a header of 7 bytes."""
    assert data[:4] == b":W&B"
    place, parts = 7, []
    while place + 7 <= len(data):
        if BLOCK - place % BLOCK < 7:  # no room for a header: padding
            place += BLOCK - place % BLOCK
            continue
        checksum, length, kind = struct.unpack("<IHB", data[place : place + 7])
        body = data[place + 7 : place + 7 + length]
        assert zlib.crc32(bytes([kind]) + body) == checksum
        parts.append(body)
        if kind in (FULL, LAST):
            yield b"".join(parts)
            parts = []
        place += 7 + length


def tree(items):
    """The values of one record by name; those of a table or picture come one by one."""
    found = {}
    for item in items:
        *parts, last = [item.key] if item.key else item.nested_key
        place = found
        for part in parts:
            place = place.setdefault(part, {})
        place[last] = json.loads(item.value_json)
    return found


def read_offline(folder):
    """What the one offline W&B file of a run folder holds."""
    (file,) = folder.glob("wandb/offline-run-*/*.wandb")
    return read_file(file)


def read_file(file):
    """What an offline W&B file holds; its last word counts."""
    from wandb.proto import wandb_internal_pb2 as records

    found = {"history": {}, "summary": {}, "config": {}, "files": file.parent / "files"}
    found["artifacts"] = {}
    for payload in payloads(file.read_bytes()):
        record = records.Record.FromString(payload)
        for item in [*record.run.config.update, *record.config.update]:
            found["config"][item.key] = json.loads(item.value_json)
        for name, value in tree(record.history.item).items():
            found["history"].setdefault(name, []).append(value)
        found["summary"] |= tree(record.summary.update)
        if record.HasField("artifact"):
            found["artifacts"][record.artifact.type] = record.artifact
        elif record.request.HasField("log_artifact"):
            found["artifacts"][record.request.log_artifact.artifact.type] = (
                record.request.log_artifact.artifact
            )
        if record.HasField("run"):
            found["run"] = record.run
    return found
