"""YAML as this project reads and writes it.

Differs from PyYAML's safe loader in five ways that matter in an experiment file: a key given twice
is an error (PyYAML keeps the last), ``1e-6`` is a number (PyYAML reads a text), ``2026-01-31`` is a
text (PyYAML makes a date), ``yes``, ``no``, ``on`` and ``off`` in a list are texts (PyYAML makes
switches of them), and a text that would fill the memory is refused before it does.
"""

import re
from pathlib import Path
from typing import Any, ClassVar, TypeGuard

import yaml

LONGEST_TEXT = 256 * 1024
"""Characters of a file. The longest experiment here has 2,000; PyYAML reads 100,000 a second."""
TOO_LONG = (
    f"longer than {LONGEST_TEXT:,} characters, which are the most that are read; an experiment has "
    "some hundreds"
)
NESTING_LIMIT = 50
"""Lists and mappings inside one another: settings nest four deep, a model's own options some more,
and Python's recursion ends at 1,000."""
MOST_VALUES = 20_000
"""Values of a file, those that an alias repeats counted each time: a few lines of aliases of
aliases stand for billions."""


UNKNOWN = [f"tag:yaml.org,2002:{kind}" for kind in ("binary", "set", "omap", "pairs")]
"""Kinds of values that no setting has, and of which JSON has no like."""


TEXT, SWITCH = "tag:yaml.org,2002:str", "tag:yaml.org,2002:bool"


class YamlError(ValueError):
    """A text that cannot be read as YAML; the message says where and why."""


def _resolvers() -> dict[str, list[tuple[str, re.Pattern[str]]]]:
    """Return PyYAML's rules for what a plain word is, without dates and with ``1e-6``."""
    rules = {
        first: [(tag, pattern) for tag, pattern in known if not tag.endswith(":timestamp")]
        for first, known in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }
    number = re.compile(r"[-+]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)[eE][-+]?[0-9]+")
    for first in "-+.0123456789":
        rules[first] = [*rules.get(first, []), ("tag:yaml.org,2002:float", number)]
    return rules


def _is_word(node: yaml.Node | None) -> TypeGuard[yaml.ScalarNode]:
    """Say whether a value is a word that only YAML 1.1 takes for a switch, such as ``yes``.

    In a list it is meant as a word, as in the labels ``[yes, no]``: no setting is a list of
    switches.
    """
    if not isinstance(node, yaml.ScalarNode) or node.tag != SWITCH:
        return False
    return node.value.lower() not in ("true", "false")


class _Loader(yaml.SafeLoader):
    yaml_implicit_resolvers = _resolvers()
    yaml_constructors: ClassVar[dict[Any, Any]] = {
        tag: make for tag, make in yaml.SafeLoader.yaml_constructors.items() if tag not in UNKNOWN
    }

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self._depth = self._values = 0
        self._sizes: dict[int, int] = {}
        """The values in each node that is complete."""

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        """Refuse values that are too many or nested too deeply, and an alias inside of itself."""
        event, before = self.peek_event(), self._values  # type: ignore[no-untyped-call]
        line = event.start_mark.line + 1
        self._depth += 1
        if self._depth > NESTING_LIMIT:
            raise YamlError(
                f"line {line}: nested more than {NESTING_LIMIT} deep; no setting needs that"
            )
        node = super().compose_node(parent, index)
        self._depth -= 1
        if isinstance(parent, yaml.SequenceNode) and _is_word(node):
            node.tag = TEXT
        if not isinstance(event, yaml.AliasEvent):
            self._values += 1
            self._sizes[id(node)] = self._values - before
        elif id(node) in self._sizes:
            self._values += self._sizes[id(node)]
        else:
            raise YamlError(
                f"line {line}: the alias *{event.anchor} is inside of the value it stands for; "
                "write the value out"
            )
        if self._values > MOST_VALUES:
            raise YamlError(
                f"line {line}: more than {MOST_VALUES:,} values so far, counting what aliases "
                "repeat; an experiment has some dozens"
            )
        return node

    def compose_scalar_node(self, anchor: Any) -> yaml.ScalarNode:
        """Refuse a text that no file can hold, as the escape of half a surrogate pair makes one."""
        node = super().compose_scalar_node(anchor)
        try:
            node.value.encode()
        except UnicodeEncodeError as error:
            line = node.start_mark.line + 1
            raise YamlError(
                f"line {line}: half a surrogate pair, {node.value[error.start]!r}, is no text; "
                "write the whole character"
            ) from error
        return node

    def compose_mapping_node(self, anchor: dict[Any, yaml.Node]) -> yaml.MappingNode:
        """Refuse a key that is given twice."""
        node = super().compose_mapping_node(anchor)
        lines: dict[str, int] = {}
        for key, _ in node.value:
            line = key.start_mark.line + 1
            if not isinstance(key, yaml.ScalarNode):
                continue
            if key.value in lines:
                raise YamlError(
                    f"line {line}: the key {key.value!r} is already on line {lines[key.value]}; "
                    "keep one of them"
                )
            lines[key.value] = line
        return node


class _Dumper(yaml.SafeDumper):
    """Quotes the texts that our rules would read as numbers; shows texts of several lines so."""

    yaml_implicit_resolvers = _resolvers()

    def represent_text(self, text: str) -> yaml.ScalarNode:
        """Write a text of several lines, such as a template, as it looks."""
        lines = "\n" in text.strip() and not text[0].isspace()
        node: yaml.ScalarNode = self.represent_scalar(TEXT, text, style="|" if lines else None)
        return node


_Dumper.add_representer(str, _Dumper.represent_text)


def parse_yaml(text: str) -> Any:
    """Return what a YAML text says; None for an empty one.

    Raises:
        YamlError: a syntax error, a key given twice, or one of the limits above exceeded; with
            its line.

    Example:
        >>> parse_yaml("{n: 16, top_p: 1e-6, stop: [a], day: 2026-01-31}")
        {'n': 16, 'top_p': 1e-06, 'stop': ['a'], 'day': '2026-01-31'}
        >>> parse_yaml("{labels: [yes, no], last_number: yes}")
        {'labels': ['yes', 'no'], 'last_number': True}
        >>> parse_yaml("{n: 16, n: 32}")  # doctest: +ELLIPSIS
        Traceback (most recent call last):
            ...
        workbench.config.yaml_file.YamlError: line 1: the key 'n' is already on line 1; ...
    """
    if len(text) > LONGEST_TEXT:
        raise YamlError(TOO_LONG)
    try:
        return yaml.load(text, _Loader)
    except YamlError:
        raise
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f"line {mark.line + 1}, column {mark.column + 1}: " if mark else ""
        braces = "; a text that begins with {{ needs quotes" if "{{" in text else ""
        raise YamlError(
            f"{where}not valid YAML: {error.problem or error.context}{braces}"
        ) from error
    except (yaml.YAMLError, ValueError, OverflowError) as error:  # an integer of 5,000 digits
        reason = " ".join(str(error).partition("; use sys.")[0].split())
        raise YamlError(f"not valid YAML: {reason}") from error


def read_mapping(path: Path) -> dict[Any, Any]:
    """Return the mapping that a YAML file holds.

    Raises:
        YamlError: no such file, not UTF-8, empty, not YAML, or something other than a mapping.
    """
    try:
        with path.open("rb") as file:
            data = file.read(LONGEST_TEXT + 1)
        if len(data) > LONGEST_TEXT:
            raise YamlError(TOO_LONG)
        text = data.decode("utf-8-sig")
    except (FileNotFoundError, NotADirectoryError) as error:
        raise YamlError(
            f"there is no such file (looked for from {Path.cwd()}); paths are relative to the "
            "current working directory"
        ) from error
    except UnicodeDecodeError as error:
        raise YamlError(f"not UTF-8 at byte {error.start + 1}; save the file as UTF-8") from error
    except OSError as error:
        raise YamlError(f"cannot be read: {error}") from error
    tree = parse_yaml(text)
    if tree is None:
        raise YamlError("the file is empty; `workbench init mine` makes one to start from")
    if not isinstance(tree, dict):
        raise YamlError(
            f"expected a mapping (lines of 'key: value') at the top, got {type(tree).__name__}; "
            "`workbench init mine` makes one to start from"
        )
    return tree


def write_yaml(tree: dict[str, Any]) -> str:
    """Return a mapping as YAML, its keys in their order; ``parse_yaml`` gives it back equal."""
    # Not allow_unicode: with it some characters (U+0085) are written so that they are lost.
    text: str = yaml.dump(tree, Dumper=_Dumper, sort_keys=False, width=100)
    return text
