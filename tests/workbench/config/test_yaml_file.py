"""YAML in and out, where it differs from PyYAML's."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.config.yaml_file import YamlError, parse_yaml, read_mapping, write_yaml


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1e-6", 1e-6),  # a text in PyYAML
        ("1E6", 1e6),
        (".5e3", 500.0),
        ("1.5", 1.5),
        ("-3", -3),
        ("true", True),
        ("null", None),
        ("", None),
        ("2026-01-31", "2026-01-31"),  # a date in PyYAML
        ("1e", "1e"),
        ("'1e-6'", "1e-6"),
        ("[0.3, 1]", [0.3, 1]),
        ("a: &x [1]\nb: *x", {"a": [1], "b": [1]}),
    ],
)
def test_what_a_text_says(text, expected):
    value = parse_yaml(text)
    assert value == expected
    assert type(value) is type(expected)


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("a: 1\nb: 2\na: 3", "line 3: the key 'a' is already on line 1; keep one"),
        ("x:\n  - {a: 1,\n    a: 2}", "line 3: the key 'a' is already on line 2"),
        ("a: [1,\nb: 2", "line 2.*not valid YAML"),
        ("a: 1\n\tb: 2", "line 2, column 1: not valid YAML"),
        ("a: !!python/object:os.system {}", "line 1.*not valid YAML"),
        ("? [a]\n: 1", "line 1.*not valid YAML"),
        ("a: " + "9" * 5000, "not valid YAML"),
        ("a: 1\n---\nb: 2", "line 2.*not valid YAML"),
    ],
)
def test_faults_have_a_line(text, fault):
    with pytest.raises(YamlError, match=fault):
        parse_yaml(text)


def test_an_alias_to_itself_does_not_hang():
    value = parse_yaml("a: &x [*x]")
    assert value["a"][0] is value["a"]


scalars = (
    st.none()
    | st.booleans()
    | st.integers(-(10**9), 10**9)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=8)
    | st.sampled_from(["1e-6", "1.e5", "2026-01-31", "yes", "null", "~", "1_0", "0x1", "\n", "#"])
)


@given(st.dictionaries(st.text("abc", min_size=1), scalars | st.lists(scalars, max_size=3)))
def test_what_is_written_is_read_back_equal(tree):
    assert parse_yaml(write_yaml(tree)) == tree


def test_files_that_hold_no_mapping(tmp_path):
    path = tmp_path / "a.yaml"
    with pytest.raises(YamlError, match=r"no such file .*current working directory"):
        read_mapping(path)
    with pytest.raises(YamlError, match="cannot be read"):
        read_mapping(tmp_path)
    for text, fault in [
        ("", "is empty"),
        ("# x", "is empty"),
        ("- 1", "got list"),
        ("x", "got str"),
    ]:
        path.write_text(text, encoding="utf-8")
        with pytest.raises(YamlError, match=fault):
            read_mapping(path)
    path.write_bytes(b"a: \xe9")
    with pytest.raises(YamlError, match="cannot be read"):
        read_mapping(path)
    path.write_text("\ufeffa: 1", encoding="utf-8")
    assert read_mapping(path) == {"a": 1}
