"""YAML as this project reads and writes it.

Differs from PyYAML's safe loader in three ways that matter in an experiment file: a key given twice
is an error (PyYAML keeps the last), ``1e-6`` is a number (PyYAML reads a text), and ``2026-01-31``
is a text (PyYAML makes a date).
"""

import re
from pathlib import Path
from typing import Any

import yaml


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


class _Loader(yaml.SafeLoader):
    yaml_implicit_resolvers = _resolvers()

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
    """Quotes the texts that our rules would read as numbers."""

    yaml_implicit_resolvers = _resolvers()


def parse_yaml(text: str) -> Any:
    """Return what a YAML text says; None for an empty one.

    Raises:
        YamlError: a syntax error or a key given twice, with its line.

    Example:
        >>> parse_yaml("{n: 16, top_p: 1e-6, stop: [a], day: 2026-01-31}")
        {'n': 16, 'top_p': 1e-06, 'stop': ['a'], 'day': '2026-01-31'}
        >>> parse_yaml("{n: 16, n: 32}")  # doctest: +ELLIPSIS
        Traceback (most recent call last):
            ...
        workbench.config.yaml_file.YamlError: line 1: the key 'n' is already on line 1; ...
    """
    try:
        return yaml.load(text, _Loader)
    except YamlError:
        raise
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f"line {mark.line + 1}, column {mark.column + 1}: " if mark else ""
        raise YamlError(f"{where}not valid YAML: {error.problem or error.context}") from error
    except (yaml.YAMLError, ValueError, OverflowError) as error:  # an integer of 5,000 digits
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
    text: str = yaml.dump(tree, Dumper=_Dumper, sort_keys=False, width=100)
    return text
