"""YAML as this project reads and writes it.

Differs from PyYAML's safe loader in three ways that matter in an experiment file: a key given twice
is an error (PyYAML keeps the last), ``1e-6`` is a number (PyYAML reads a text), and ``2026-01-31``
is a text (PyYAML makes a date).
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import yaml

_FLOAT = re.compile(r"[-+]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)[eE][-+]?[0-9]+")
_FLOAT_TAG = "tag:yaml.org,2002:float"
_TIMESTAMP = "tag:yaml.org,2002:timestamp"


class YamlError(ValueError):
    """A text that cannot be read as YAML; the message says where and why."""


def _resolvers() -> dict[str, list[tuple[str, re.Pattern[str]]]]:
    """Return PyYAML's rules for what a plain word is, without dates and with ``1e-6``."""
    rules = {
        first: [(tag, pattern) for tag, pattern in known if tag != _TIMESTAMP]
        for first, known in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }
    for first in "-+.0123456789":
        rules[first] = [*rules.get(first, []), (_FLOAT_TAG, _FLOAT)]
    return rules


def _refuse_repeated_keys(node: yaml.Node | None, seen: set[int]) -> None:
    if not isinstance(node, yaml.CollectionNode) or id(node) in seen:
        return
    seen.add(id(node))  # an alias leads to a node again
    if isinstance(node, yaml.SequenceNode):
        for item in node.value:
            _refuse_repeated_keys(item, seen)
        return
    lines: dict[str, int] = {}
    for key, value in node.value:
        line = key.start_mark.line + 1
        if isinstance(key, yaml.ScalarNode):
            if key.value in lines:
                raise YamlError(
                    f"line {line}: the key {key.value!r} is already on line {lines[key.value]}; "
                    "keep one of them"
                )
            lines[key.value] = line
        _refuse_repeated_keys(value, seen)


def parse_yaml(text: str) -> Any:
    """Return what a YAML text says; None for an empty one.

    Raises:
        YamlError: a syntax error or a key given twice, with its line.
    """
    try:
        loader = yaml.SafeLoader(text)
        loader.yaml_implicit_resolvers = _resolvers()
        node = loader.get_single_node()
        _refuse_repeated_keys(node, set())
        return None if node is None else loader.construct_document(node)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f"line {mark.line + 1}, column {mark.column + 1}: " if mark else ""
        raise YamlError(f"{where}not valid YAML: {error.problem or error.context}") from error
    except yaml.YAMLError as error:
        raise YamlError(f"not valid YAML: {error}") from error
    except (ValueError, OverflowError) as error:  # such as an integer of 5,000 digits
        if isinstance(error, YamlError):
            raise
        raise YamlError(f"not valid YAML: {error}") from error


def read_mapping(path: Path) -> dict[Any, Any]:
    """Return the mapping that a YAML file holds.

    Raises:
        YamlError: no such file, not UTF-8, empty, not YAML, or something other than a mapping.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (FileNotFoundError, NotADirectoryError) as error:
        raise YamlError(
            f"there is no such file (looked for from {Path.cwd()}); paths are relative to the "
            "current working directory"
        ) from error
    except (OSError, UnicodeDecodeError) as error:
        raise YamlError(f"cannot be read: {error}") from error
    tree = parse_yaml(text)
    if tree is None:
        raise YamlError("the file is empty; see experiments/quickstart.yaml for one to start from")
    if not isinstance(tree, dict):
        raise YamlError(
            f"expected a mapping (lines of 'key: value') at the top, got {type(tree).__name__}; "
            "see experiments/quickstart.yaml"
        )
    return tree


def write_yaml(tree: dict[str, Any]) -> str:
    """Return a mapping as YAML, its keys in their order; ``parse_yaml`` gives it back equal."""
    # Not allow_unicode: with it some characters (U+0085) are written so that they are lost.
    text: str = yaml.dump(tree, Dumper=_dumper, sort_keys=False, width=100)
    return text


def _dumper(*args: Any, **options: Any) -> yaml.SafeDumper:
    """Return a dumper that quotes the texts which our rules would read as numbers."""
    dumper = yaml.SafeDumper(*args, **options)
    dumper.yaml_implicit_resolvers = _resolvers()
    return dumper
