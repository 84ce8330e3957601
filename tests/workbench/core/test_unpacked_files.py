"""Each way to pack a file: read as it was, and refused where it would fill memory or disk."""

import bz2
import gzip
import io
import lzma
import zipfile

import pyarrow as pa
import pytest

from workbench.core import unpacked_files
from workbench.core.bounded_lines import read_lines
from workbench.core.unpacked_files import on_position, open_unpacked, packing_of


def in_zip(text, *others):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("data/", b"")
        archive.writestr("data/rows.jsonl", text)
        archive.writestr("__MACOSX/data/._rows.jsonl", b"from a Mac")
        for name in others:
            archive.writestr(name, b"x")
    return file.getvalue()


def zstd(text):
    return pa.compress(text, "zstd", asbytes=True)


PACKED = {
    "gzip": gzip.compress, "bzip2": bz2.compress, "xz": lzma.compress, "zstd": zstd, "zip": in_zip,
}  # fmt: skip


@pytest.mark.parametrize("name", PACKED)
def test_packed_whatever_its_name(tmp_path, name):
    path = tmp_path / "rows.jsonl"
    text = b"".join(b'{"i": %d}\n' % i for i in range(9000))
    path.write_bytes(PACKED[name](text))
    assert packing_of(path) == name
    assert b"".join(read_lines(path)) == text
    cut = path.read_bytes()[:-1000]
    path.write_bytes(cut)
    with pytest.raises(ValueError, match=r"rows\.jsonl cannot be .*; it is cut off or damaged"):
        list(read_lines(path))


@pytest.mark.parametrize("name", ["gzip", "bzip2", "xz", "zstd"])
def test_parts_packed_one_after_another_are_one_file(tmp_path, name):
    path = tmp_path / "rows"
    path.write_bytes(PACKED[name](b"one\n") + PACKED[name](b"two\n"))
    assert list(read_lines(path)) == [b"one\n", b"two\n"]


@pytest.mark.parametrize("name", PACKED)
def test_a_file_of_repeats_is_refused_and_one_with_a_long_prompt_in_every_row_is_not(
    tmp_path, monkeypatch, name
):
    monkeypatch.setattr(unpacked_files, "FREELY_UNPACKED", 1 << 16)
    path = tmp_path / "rows"
    path.write_bytes(PACKED[name](bytes(3_000_000)))
    with pytest.raises(ValueError, match=r"unpacks to more than [\d,]+ times its size, as no"):
        list(read_lines(path))
    prompt = bytes(range(33, 90)) * 60
    rows = b"".join(b'{"prompt": "%s", "i": "%x"}\n' % (prompt, i * i) for i in range(300))
    path.write_bytes(PACKED[name](rows))
    assert b"".join(read_lines(path)) == rows


def test_a_zip_of_several_files_is_said_to_be_one(tmp_path):
    path = tmp_path / "many.zip"
    path.write_bytes(in_zip(b"x", "other.jsonl"))
    with pytest.raises(ValueError, match=r"many\.zip is a zip of 2 files; unpack it"):
        list(read_lines(path))


def test_how_far_a_file_is_read_is_told(tmp_path):
    path = tmp_path / "rows.gz"
    path.write_bytes(gzip.compress(b"x" * 100 + b"\n"))
    seen = []
    token = on_position.set(lambda *where: seen.append(where))
    try:
        with open_unpacked(path) as file:
            file.read()
    finally:
        on_position.reset(token)
    assert seen[-1] == (path, path.stat().st_size)
