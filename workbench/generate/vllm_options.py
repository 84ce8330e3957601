"""What vLLM can be told, read from its source: importing it takes seconds, and this does not.

Where vLLM is not installed, or keeps its options elsewhere, nothing is known of them.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from workbench.config.faults import shown

WORDS = {
    "int": "an integer", "float": "a number", "bool": "true or false", "str": "a text",
    "list[int]": "a list of integers", "list[float]": "a list of numbers",
    "list[bool]": "a list of true and false", "list[str]": "a list of texts",
}  # fmt: skip
"""Annotation of an option that is checked -> what its value must be."""
KINDS: Mapping[str, tuple[type, ...]] = {
    "int": (int,), "float": (int, float), "bool": (bool,), "str": (str,),
}  # fmt: skip


@cache
def engine_options() -> Mapping[str, str]:
    """Return vLLM's options of an engine, the fields of ``EngineArgs``, with their annotations."""
    return _installed("engine/arg_utils.py", "EngineArgs")


@cache
def sampling_options() -> Mapping[str, str]:
    """Return vLLM's options of a request, the fields of ``SamplingParams``, with annotations."""
    return _installed("sampling_params.py", "SamplingParams")


def _installed(file: str, name: str) -> Mapping[str, str]:
    found = find_spec("vllm")
    for home in found.submodule_search_locations or () if found else ():
        path = Path(home, file)
        if path.is_file():
            return annotations_of(path.read_text(encoding="utf-8"), name)
    return {}


def annotations_of(source: str, name: str) -> dict[str, str]:
    r"""Return the public fields of a class in a Python file, with their annotations as text.

    Example:
        >>> annotations_of("class Params:\n    n: int = 1\n    _own: int = 0", "Params")
        {'n': 'int'}
    """
    classes = (one for one in ast.parse(source).body if isinstance(one, ast.ClassDef))
    body = next((one.body for one in classes if one.name == name), [])
    return {
        line.target.id: ast.unparse(line.annotation)
        for line in body
        if isinstance(line, ast.AnnAssign)
        and isinstance(line.target, ast.Name)
        and not line.target.id.startswith("_")
    }


def wrong_type(annotation: str, value: Any) -> str:
    """Say that a value is not of an annotated type; '' where it is, or where that is not known.

    No value is of every type: it leaves the option unset.

    Example:
        >>> wrong_type("float", "x"), wrong_type("float | None", 1), wrong_type("int", True)
        ("expected a number, got 'x'", '', 'expected an integer, got true')
        >>> wrong_type("Callable", "x"), wrong_type("list[str]", ("a", 1))
        ('', "expected a list of texts, got ['a', 1]")
    """
    kinds = [kind.strip() for kind in annotation.split("|") if kind.strip() != "None"]
    if value is None or not all(kind in WORDS for kind in kinds):
        return ""
    if any(_is(kind, value) for kind in kinds):
        return ""
    given = list(value) if isinstance(value, tuple) else value
    return f"expected {' or '.join(WORDS[kind] for kind in kinds)}, got {shown(given)}"


def _is(kind: str, value: Any) -> bool:
    if kind.startswith("list["):
        inner = kind.removeprefix("list[").removesuffix("]")
        return isinstance(value, list | tuple) and all(_is(inner, one) for one in value)
    return isinstance(value, KINDS[kind]) and (kind == "bool" or not isinstance(value, bool))
