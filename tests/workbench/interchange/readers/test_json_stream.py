import json

import pytest

from workbench.interchange.readers import json_stream
from workbench.interchange.readers.json_stream import members

VALUE = {"a": 1.5, "list": [{"x": 'é]}\\"', "y": [1, [2]]}, 12, "t", None], "b": {"c": []}, "n": 3}


@pytest.mark.parametrize("indent", [None, 2])
@pytest.mark.parametrize("chunk", [1, 2, 7, 1000])
def test_a_list_comes_element_by_element_whatever_is_read_at_a_time(
    tmp_path, monkeypatch, chunk, indent
):
    monkeypatch.setattr(json_stream, "CHUNK", chunk)
    path = tmp_path / "a.json"
    path.write_text(json.dumps(VALUE, indent=indent, ensure_ascii=False))
    found = list(members(path, "list"))
    assert found == [
        ("a", 1.5), *(("list", item) for item in VALUE["list"]), ("b", {"c": []}), ("n", 3),
    ]  # fmt: skip
    assert list(members(path, "b"))[-2] == ("b", {"c": []})  # no list: as it is


def test_what_is_parsed_is_not_kept(tmp_path, monkeypatch):
    monkeypatch.setattr(json_stream, "CHUNK", 64)
    path = tmp_path / "a.json"
    path.write_text(json.dumps({"list": ["x" * 100] * 1000}))
    longest = 0
    whole = json_stream.Pieces._more

    def more(self):
        nonlocal longest
        done = whole(self)
        longest = max(longest, len(self._text))
        return done

    monkeypatch.setattr(json_stream.Pieces, "_more", more)
    assert len(list(members(path, "list"))) == 1000
    assert longest < 500


@pytest.mark.parametrize("text", ["", "[1]", '{"a"', '{"list": [1', '{"list": [1 2]}', '{"a": 1'])
def test_what_is_cut_off_or_no_object(tmp_path, text):
    path = tmp_path / "a.json"
    path.write_text(text)
    with pytest.raises(ValueError, match=r"\S"):
        list(members(path, "list"))
