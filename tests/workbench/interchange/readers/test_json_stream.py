import json
import math

import pytest

from workbench.interchange.readers import json_stream
from workbench.interchange.readers.json_stream import DamagedJsonError, JsonStream, stream_members

VALUE = {"a": 1.5, "list": [{"x": 'é]}\\"', "y": [1, [2]]}, 12, "t", None], "b": {"c": []}, "n": 3}


@pytest.mark.parametrize("indent", [None, 2])
@pytest.mark.parametrize("chunk", [1, 2, 7, 1000])
def test_a_list_comes_element_by_element_whatever_is_read_at_a_time(
    tmp_path, monkeypatch, chunk, indent
):
    monkeypatch.setattr(json_stream, "CHUNK", chunk)
    path = tmp_path / "a.json"
    path.write_text(json.dumps(VALUE, indent=indent, ensure_ascii=False))
    found = list(stream_members(path, "list"))
    assert found == [
        ("a", 1.5), *(("list", item) for item in VALUE["list"]), ("b", {"c": []}), ("n", 3),
    ]  # fmt: skip
    assert list(stream_members(path, "b"))[-2] == ("b", {"c": []})  # no list: as it is


def test_what_is_parsed_is_not_kept(tmp_path, monkeypatch):
    monkeypatch.setattr(json_stream, "CHUNK", 64)
    path = tmp_path / "a.json"
    path.write_text(json.dumps({"list": ["x" * 100] * 1000}))
    longest = 0
    whole = JsonStream._read_more

    def more(self):
        nonlocal longest
        done = whole(self)
        longest = max(longest, len(self._text))
        return done

    monkeypatch.setattr(JsonStream, "_read_more", more)
    assert len(list(stream_members(path, "list"))) == 1000
    assert longest < 500


@pytest.mark.parametrize("text", ["", "[1]", '{"a"', '{"list": [1', '{"list": [1 2]}', '{"a": 1'])
def test_what_is_cut_off_or_no_object(tmp_path, text):
    path = tmp_path / "a.json"
    path.write_text(text)
    with pytest.raises(DamagedJsonError, match=r"at character \d+"):
        list(stream_members(path, "list"))


def test_numbers_and_texts_that_only_python_writes(tmp_path):
    """What ijson refuses or changes."""
    path = tmp_path / "a.json"
    path.write_text('{"n": -Infinity, "list": [123456789012345678901234567890, "\\ud800", 1e400]}')
    found = list(stream_members(path, "list"))
    assert found == [
        ("n", -math.inf), ("list", 123456789012345678901234567890), ("list", "\ud800"),
        ("list", math.inf),
    ]  # fmt: skip


def test_the_place_of_a_fault_is_counted_from_the_start_of_the_file(tmp_path, monkeypatch):
    monkeypatch.setattr(json_stream, "CHUNK", 4)
    path = tmp_path / "a.json"
    path.write_text('{"list": [1, 2,   3 4]}')
    with pytest.raises(DamagedJsonError, match=r"^, expected at character 21, got 4$"):
        list(stream_members(path, "list"))
    path.write_text('{"list": [1, 2,   x]}')
    with pytest.raises(DamagedJsonError, match=r"^Expecting value at character 19$"):
        list(stream_members(path, "list"))
