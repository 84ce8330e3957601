"""Files that are damaged, or are made to fill the memory, and those that only look so."""

import gzip
import time
import tracemalloc

import pytest

from workbench.core import bounded_lines, unpacked_files
from workbench.core.bounded_lines import read_lines

MIB = 1 << 20


@pytest.fixture
def small(monkeypatch):
    """Limits a thousandth of the real ones."""
    for name, value in {"LONGEST_LINE": MIB // 16, "EMPTY_LINES": 1000}.items():
        monkeypatch.setattr(bounded_lines, name, value)
    monkeypatch.setattr(unpacked_files, "FREELY_UNPACKED", MIB // 16)


def written(path, text):
    path.write_bytes(gzip.compress(text, 9) if path.suffix == ".gz" else text)
    return path


@pytest.mark.parametrize("name", ["rows.jsonl", "rows.gz"])
@pytest.mark.parametrize(
    ("text", "words"),
    [
        (b"first\n" + b"x" * MIB, "line 2: longer than 0 MiB"),  # the small limit, rounded
        (bytes(MIB), "line 1: longer than"),
        (b"first\n" + b"\n" * 2000, "more than 1,000 empty lines, by line 1,002"),
    ],
    ids=["line", "zeros", "empty"],
)
def test_what_would_fill_the_memory_is_refused(small, tmp_path, name, text, words):
    with pytest.raises(ValueError, match=words) as fault:
        list(read_lines(written(tmp_path / name, text)))
    assert str(tmp_path / name) in str(fault.value)


def test_a_packed_file_of_repeats_is_refused_and_one_of_rows_is_not(small, tmp_path):
    with pytest.raises(ValueError, match=r"bomb\.gz unpacks to more than 300 times its size, as"):
        list(read_lines(written(tmp_path / "bomb.gz", b"aaaaaaaa\n" * 200_000)))
    assert len(list(read_lines(written(tmp_path / "plain", b"aaaaaaaa\n" * 200_000)))) == 200_000
    question = b"What is the sum of the first numbers, and so on? " * 40  # in every row
    rows = b"".join(b'{"q": "%s", "i": %d}\n' % (question, i) for i in range(3000))
    packed = written(tmp_path / "rows.gz", rows)
    assert len(rows) > 100 * packed.stat().st_size > MIB  # it packs well, as such files do
    assert b"".join(read_lines(packed)) == rows


def test_a_long_line_is_refused_before_it_is_in_memory(tmp_path):
    packed = tmp_path / "bomb.jsonl.gz"
    with gzip.open(packed, "wb", compresslevel=1) as file:
        for _ in range(300):
            file.write(bytes(MIB))
    tracemalloc.start()
    start = time.process_time()
    with pytest.raises(ValueError, match="line 1: longer than 64 MiB"):
        list(read_lines(packed))
    assert time.process_time() - start < 5
    assert tracemalloc.get_traced_memory()[1] < 200 * MIB
    tracemalloc.stop()
