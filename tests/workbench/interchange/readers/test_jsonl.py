import gzip

import pytest

from workbench.core.bounded_lines import read_lines

TEXT = "first é\n\nthird, with no end".encode()
LINES = ["first é\n".encode(), b"\n", b"third, with no end"]


@pytest.mark.parametrize("name", ["plain.jsonl", "plain.jsonl.gz"])
@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_lines_are_unpacked_by_content_and_not_by_name(tmp_path, name, pack):
    (tmp_path / name).write_bytes(pack(TEXT))
    assert list(read_lines(tmp_path / name)) == LINES


def test_only_the_mark_at_the_beginning_of_a_file_is_removed(tmp_path):
    mark = b"\xef\xbb\xbf"
    (tmp_path / "marked").write_bytes(mark + b"a\n" + mark + b"b\n")
    assert list(read_lines(tmp_path / "marked")) == [b"a\n", mark + b"b\n"]


def test_an_empty_file_has_no_lines(tmp_path):
    (tmp_path / "empty").touch()
    assert list(read_lines(tmp_path / "empty")) == []


def test_a_file_that_is_cut_off_is_refused_with_the_last_whole_line(tmp_path):
    path = tmp_path / "cut.gz"
    path.write_bytes(gzip.compress(b"one\ntwo\n")[:-9])
    with pytest.raises(
        ValueError, match=r"cut\.gz cannot be unpacked beyond byte [\d,]+ .*fetch it"
    ):
        list(read_lines(path))
