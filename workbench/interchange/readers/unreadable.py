"""Files that are no samples, by what they begin with, and what to do instead."""

import re
from pathlib import Path

from workbench.core.unpacked_files import members, open_unpacked, packing_of
from workbench.interchange.readers.xlsx import WORKBOOK

POINTER = "a pointer of Git LFS and not the file itself: fetch that with `git lfs pull`"
SIGNS: tuple[tuple[bytes, str], ...] = (
    (rb"version https://git-lfs", POINTER),
    (rb"(\.\./)*\.git/annex/|/annex/objects/", "a pointer of git-annex: use `git annex get`"),
    (
        rb"(?i)\s*(<!doctype html|<html|<head)",
        "a web page (HTML): download the file itself; on a hub its address has `resolve` or `raw` "
        "where the page has `blob`",
    ),
    (rb"\s*<\?xml|\s*<\w+[ >]", "XML: write a JSON object a line, or CSV"),
    (
        rb"\xd0\xcf\x11\xe0",
        "an old Excel workbook, or one with a password: save it as .xlsx without a password",
    ),
    (rb"ARROW1", "an Arrow file: `Dataset.to_parquet` writes it as Parquet"),
    (rb"SQLite format 3", "a database: export its table as CSV"),
    (rb"\x80[\x02-\x05]", "a pickle, which is not opened because it can run code: write JSONL"),
    (rb"\xff\xfe|\xfe\xff", "text in UTF-16: save it as UTF-8"),
    (rb"%PDF|\x89PNG|\xff\xd8\xff|GIF8", "a document or picture"),
    (rb"7z\xbc\xaf|Rar!|.{257}ustar", "an archive: unpack it and give the files"),
)  # fmt: skip
"""(regular expression for the first bytes, what such a file is and what to do)."""
LISTINGS = (
    re.compile(rb'\s*\{\s*"[^"]+\.(eval|json)"\s*:'),
    re.compile(rb'\s*\[\s*\{[^{}]*"mtime"[^{}]*"task_id"'),
)
"""How lists of Inspect's logs begin: ``listing.json``, and ``inspect list logs --json``."""


def what_it_is(path: Path) -> str | None:
    """Return what a file is that holds no samples, and what to do; None if that is not known."""
    if packing_of(path) == "zip":
        return _of_zip(members(path))
    with path.open("rb") as file:
        first = file.read(4096)
    if first.startswith(b"PAR1"):
        return None
    if packing_of(path) is not None:
        with open_unpacked(path) as unpacked:
            if unpacked.read(4) == b"PAR1":
                return "a Parquet file packed once more: unpack it, as it is read plain only"
    if not first.strip():
        return "empty"
    known = next((text for sign, text in SIGNS if re.match(sign, first, re.DOTALL)), None)
    if known is None and any(listing.match(first) for listing in LISTINGS):
        return "a list of logs, not a log: give the logs that it names, or their folder"
    if known is None and packing_of(path) is None and b"\x00" in first:
        return "no text, nor a file of a kind that is known"
    return known


def _of_zip(names: list[str]) -> str | None:
    if len(names) != 1 and WORKBOOK not in names:
        listed = ", ".join(names[:3]) + (", ..." if len(names) > 3 else "")
        return f"a zip of {len(names):,} files ({listed}): unpack it and give the files or a folder"
    return None
