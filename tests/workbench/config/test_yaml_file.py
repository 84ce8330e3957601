"""YAML in and out, where it differs from PyYAML's."""

import time

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
        ("[yes, No, off, true]", ["yes", "No", "off", True]),  # switches in PyYAML
        ("{a: yes, b: [[on]]}", {"a": True, "b": [["on"]]}),
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
        ("a: 1\n!!binary aGk=: 1", "line 2.*not valid YAML"),
        ("a: !!set {b, c}", "line 1.*not valid YAML"),
        ("a: " + "9" * 5000, "not valid YAML"),
        ("a: 1\n---\nb: 2", "line 2.*not valid YAML"),
        (
            "prompt: {{ problem }}",
            "a text that begins with {{ needs quotes",
        ),
    ],
)
def test_faults_have_a_line(text, fault):
    with pytest.raises(YamlError, match=fault):
        parse_yaml(text)


def aliases_of_aliases(levels, each=10):
    """A text of which the last line stands for each ** levels values."""
    lines = ["a0: &a0 [x]"]
    for level in range(1, levels + 1):
        lines.append(f"a{level}: &a{level} [{', '.join([f'*a{level - 1}'] * each)}]")
    return "\n".join(lines)


MUCH = {
    "lists in lists": ("a: " + "[" * 100_000, "line 1: nested more than 50 deep"),
    "mappings in mappings": ("{a: " * 900 + "1" + "}" * 900, "line 1: nested more than 50"),
    "lines ever further in": ("\n".join(" " * i + "a:" for i in range(60)), "line 50: nested more"),
    "items of items": ("x:\n " + "- " * 3000, "line 2: nested more than 50 deep"),
    "keys of keys": ("? " * 3000, "line 1: nested more than 50 deep"),
    "an alias in itself": ("n: 1\na: &x [1, *x]", r"line 2: the alias \*x is inside of the value"),
    "an alias below itself": ("a: &x\n  b: {c: [*x]}", r"line 2: the alias \*x is inside"),
    "a merged alias in itself": ("a: &x {<<: *x, b: 1}", r"line 1: the alias \*x is inside"),
    "the whole in itself": ("&x\na: *x", r"line 2: the alias \*x is inside"),
    "aliases of aliases": (aliases_of_aliases(9), "line 5: more than 20,000 values"),
    "many aliases": (f"a: &a [{'1, ' * 99}]\nb: [{'*a, ' * 300}]", "line 2: more than 20,000 val"),
    "many values": (f"a: [{'1, ' * 20_001}]", "line 1: more than 20,000 values"),
    "many keys": ("".join(f"k{i}: 1\n" for i in range(60_000)), "longer than 262,144 characters"),
    "a long text": ("a: '" + "b" * 10_000_000 + "'", "longer than 262,144 characters"),
    "half a surrogate": (
        'a: 1\nb: "\\ud83d"',
        r"line 2: half a surrogate pair, '\\ud83d', is no te",
    ),
    "half a surrogate as a key": ('"\\udc00x": 1', "line 1: half a surrogate pair"),
}


@pytest.mark.parametrize("kind", MUCH)
def test_what_would_fill_the_memory_or_be_no_text_is_refused_at_once(kind, tmp_path):
    text, fault = MUCH[kind]
    start = time.process_time()
    with pytest.raises(YamlError, match=fault):
        parse_yaml(text)
    (tmp_path / "file.yaml").write_text(text)
    with pytest.raises(YamlError, match=fault):
        read_mapping(tmp_path / "file.yaml")
    assert time.process_time() - start < 8


def test_what_is_large_but_within_bounds_is_read():
    assert len(parse_yaml(aliases_of_aliases(3))["a3"]) == 10
    assert len(parse_yaml(f"a: [{'1, ' * 1000}]")["a"]) == 1000
    assert parse_yaml("a: " + "[" * 48 + "]" * 48) is not None
    with pytest.raises(YamlError, match="nested"):
        parse_yaml("a: " + "[" * 50 + "]" * 50)
    assert parse_yaml("a: &x {b: 1}\nc: {<<: *x, d: 2}")["c"] == {"b": 1, "d": 2}


scalars = (
    st.none()
    | st.booleans()
    | st.integers(-(10**9), 10**9)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=8)
    | st.text("a \n\t:#{%|-'\r\u2028", max_size=12)
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
    with pytest.raises(YamlError, match="not UTF-8 at byte 4"):
        read_mapping(path)
    path.write_text("\ufeffa: 1", encoding="utf-8")
    assert read_mapping(path) == {"a": 1}


def test_a_text_of_several_lines_is_written_as_it_looks():
    template = "Q: {{ problem }}\n\nA: "
    assert write_yaml({"a": {"b": template}}) == 'a:\n  b: "Q: {{ problem }}\\n\\nA: "\n'
    assert write_yaml({"a": {"b": template + "x\n"}}) == (
        "a:\n  b: |\n    Q: {{ problem }}\n\n    A: x\n"
    )
