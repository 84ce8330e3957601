import gzip

from workbench.core import console, reading_progress
from workbench.core.bounded_lines import read_lines
from workbench.core.unpacked_files import on_position


def test_the_bytes_of_large_files_are_counted_packed_or_not(tmp_path, monkeypatch):
    said = []
    monkeypatch.setattr(console, "notice", said.append)
    plain, packed = tmp_path / "plain", tmp_path / "packed"
    rows = b"".join(b"%d %d\n" % (i, i * i) for i in range(300_000))
    plain.write_bytes(rows)
    packed.write_bytes(gzip.compress(rows, 1))
    files = [plain, packed]
    with reading_progress.reading_progress("read", files):  # small: nothing is shown
        assert on_position.get() is None
    monkeypatch.setattr(reading_progress, "SHOWN_FROM", 1)
    with reading_progress.reading_progress("read", files):
        assert sum(len(list(read_lines(path))) for path in files) == 600_000
    total = sum(path.stat().st_size for path in files) >> 20
    assert said[-1].startswith(f"read: {total} of {total} MiB")
    assert on_position.get() is None
