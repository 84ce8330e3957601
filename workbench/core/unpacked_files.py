"""Files packed by gzip, bzip2, xz, zstd or zip, read as the bytes that they stand for."""

import bz2
import gzip
import io
import lzma
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import IO, Any, BinaryIO

MIB = 1 << 20
FREELY_UNPACKED = 64 * MIB
"""Bytes that a packed file may stand for, however small it is."""
MOST_PACKED = {"gzip": 300, "zip": 300, "bzip2": 3000, "xz": 3000, "zstd": 3000}
"""Bytes that one packed byte may stand for beyond them. gzip can reach 1,032, but only where the
same few characters are repeated, and not where lines differ. The others keep one reference where
gzip needs one for each 258 bytes: a prompt of 64 KiB in every row packs 1,600 times."""
BUFFER = 256 * 1024

on_position: ContextVar[Callable[[Path, int], None] | None] = ContextVar("position", default=None)
"""Told how many bytes of which file have been read, so that a stage can show its progress."""


def packing_of(path: Path) -> str | None:
    """Return how a file is packed, by its first bytes whatever its name: a key of MOST_PACKED."""
    with path.open("rb") as file:
        first = file.read(6)
    for start, name in _STARTS.items():
        if first.startswith(start):
            return name
    return None


@contextmanager
def open_unpacked(path: Path) -> Iterator[BinaryIO]:
    """Open a file for reading; a packed one gives the bytes that it stands for.

    Raises:
        ValueError: also while it is read: it cannot be unpacked, unpacks to far more than its
            size, or is a zip of several files.
    """
    packing = packing_of(path)
    with path.open("rb") as raw, _inner(path, raw, packing) as inner:
        yield io.BufferedReader(_Checked(path, raw, inner, packing), BUFFER)


def members(path: Path) -> list[str]:
    """Return the names of the files in a zip, without folders and what macOS adds.

    Raises:
        ValueError: it is damaged.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            return _members(archive)
    except zipfile.BadZipFile as fault:
        raise damaged(path, "cannot be opened", fault) from fault


def damaged(path: Path, what: str, fault: Exception) -> ValueError:
    """Return the error for a file that cannot be read on; ``what`` says how far it can be read.

    Example:
        >>> print(damaged(Path("a.eval"), "cannot be opened", OSError("no end")))
        a.eval cannot be opened (no end); it is cut off or damaged: fetch it again
    """
    reason = str(fault).strip().partition("\n")[0]
    return ValueError(f"{path} {what} ({reason}); it is cut off or damaged: fetch it again")


class _Checked(io.RawIOBase):
    """Unpacked bytes, counted; their faults become messages that name the file."""

    def __init__(self, path: Path, raw: BinaryIO, inner: IO[bytes], packing: str | None) -> None:
        self._path, self._raw, self._inner, self._packing = path, raw, inner, packing
        self._count = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        try:
            data = self._inner.read(len(buffer))
        except _FAULTS as fault:
            what = f"cannot be unpacked beyond byte {self._count:,}"
            raise damaged(self._path, what, fault) from fault
        self._count += len(data)
        position = self._raw.tell()
        most = MOST_PACKED.get(self._packing or "", 0)
        if most and self._count > max(FREELY_UNPACKED, most * position):
            raise ValueError(
                f"{self._path} unpacks to more than {most:,} times its size, as no file of "
                "different lines does; unpack it yourself"
            )
        if report := on_position.get():
            report(self._path, position)
        buffer[: len(data)] = data
        return len(data)


_STARTS = {
    b"\x1f\x8b": "gzip", b"BZh": "bzip2", b"\xfd7zXZ\x00": "xz", b"\x28\xb5\x2f\xfd": "zstd",
    b"PK\x03\x04": "zip",
}  # fmt: skip
_OPENED: dict[str, Callable[[BinaryIO], Any]] = {
    "gzip": lambda raw: gzip.GzipFile(fileobj=raw), "bzip2": bz2.BZ2File, "xz": lzma.LZMAFile,
}  # fmt: skip
_FAULTS = (
    EOFError, OSError, zlib.error, lzma.LZMAError, zipfile.BadZipFile, NotImplementedError,
    RuntimeError,
)  # fmt: skip


def _members(archive: zipfile.ZipFile) -> list[str]:
    return [
        name
        for name in archive.namelist()
        if not name.endswith("/") and not name.startswith("__MACOSX/")
    ]


@contextmanager
def _inner(path: Path, raw: BinaryIO, packing: str | None) -> Iterator[IO[bytes]]:
    """Yield the unpacked bytes of an open file, not checked yet."""
    try:
        if packing == "zip":
            archive = zipfile.ZipFile(raw)
            names = _members(archive)
            if len(names) != 1:
                raise ValueError(f"{path} is a zip of {len(names):,} files; unpack it")
            inner: IO[bytes] = archive.open(names[0])
        elif packing == "zstd":  # Python 3.11 has no zstd, but Arrow has
            import pyarrow as pa  # slow to import, and commands that read no samples go without

            inner = pa.CompressedInputStream(pa.PythonFile(raw, mode="r"), "zstd")
        elif packing is None:
            inner = raw
        else:
            inner = _OPENED[packing](raw)
    except _FAULTS as fault:
        raise damaged(path, "cannot be opened", fault) from fault
    with inner:
        yield inner
