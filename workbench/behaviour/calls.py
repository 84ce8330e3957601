"""What the programs of a problem are called with: arguments from its examples and visible tests.

Never from the tests that are hidden, nor is the expected value of any test looked at.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import suppress
from typing import Any

Call = tuple[Any, ...]
"""The arguments of a call, by place."""

LONGEST_CALL = 20_000
"""Letters of a text in which the end of a call is looked for."""


def spell_call(call: Call) -> str:
    """Return a call's arguments as one would write them; equal sets are spelt alike.

    Example:
        >>> spell_call(([1, 2], {"b", "a"}))
        "[1, 2], {'a', 'b'}"
    """
    return ", ".join(map(_spelt, call))


def _spelt(value: object) -> str:
    """``repr``, but for sets, whose items are in another order in every process."""
    if isinstance(value, set | frozenset) and value:
        inside = f"{{{', '.join(sorted(map(_spelt, value)))}}}"
        return inside if isinstance(value, set) else f"frozenset({inside})"
    if isinstance(value, list):
        return f"[{', '.join(map(_spelt, value))}]"
    if isinstance(value, tuple):
        return f"({', '.join(map(_spelt, value))}{',' * (len(value) == 1)})"
    if isinstance(value, dict):
        pairs = (f"{_spelt(key)}: {_spelt(held)}" for key, held in value.items())
        return f"{{{', '.join(pairs)}}}"
    return repr(value)


def calls_in_tests(source: str, names: Collection[str]) -> list[Call]:
    r"""Return the literal arguments with which tests call a function, in order, none twice.

    Found are calls by one of the names anywhere in an ``assert``, whose arguments are literals
    given by place. Others, such as those with computed arguments, are passed over.

    Args:
        source: the tests.
        names: what the tests call the function: its own name, and perhaps ``candidate``.

    Raises:
        ValueError: the tests do not parse.

    Example:
        >>> tests = "assert add(1, 2) == 3\nassert round(add(0.5, n)) == 1\nassert add(4, -1) == 3"
        >>> calls_in_tests(tests, ["add"])
        [(1, 2), (4, -1)]
    """
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError) as fault:
        raise ValueError(f"the tests do not parse: {fault}; give Python source") from fault
    asserted = [node for node in _in_order(tree) if isinstance(node, ast.Assert)]
    calls = (call for node in asserted for call in _calls(node.test, names))
    return without_repeats(calls)


def calls_in_text(text: str, name: str) -> list[Call]:
    r"""Return the literal arguments with which a text calls a function, in order, none twice.

    A text is a prompt. ``>>> add(1, 2)`` is found, and so is ``add(1, 2) == 3`` in a sentence. Of a
    function whose signature is there, ``For a = 1, b = 2 the sum is 3`` is a call as well.

    Example:
        >>> calls_in_text("def add(a, b):\n    'add(1, 2) is 3. Input: a = 2, b = 0.5'", "add")
        [(1, 2), (2, 0.5)]
    """
    found = []
    for match in re.finditer(rf"(?<![\w.]){re.escape(name)}\(", text):
        if not re.search(r"\b(def|class)\s+$", text[: match.start()]):
            found += _call_at(text[match.start() : match.start() + LONGEST_CALL], name)
    return without_repeats([*found, *_named_arguments(text, _parameters(text, name))])


def without_repeats(calls: Iterable[Call]) -> list[Call]:
    """Return calls in order of first appearance; 1 and ``True`` are different arguments.

    Example:
        >>> without_repeats([(1,), (True,), (1,)])
        [(1,), (True,)]
    """
    found: dict[str, Call] = {}
    for call in calls:
        found.setdefault(spell_call(call), call)
    return list(found.values())


def _in_order(node: ast.AST) -> Iterator[ast.AST]:
    """Yield a node and all inside it, in the order of the source."""
    yield node
    for child in ast.iter_child_nodes(node):
        yield from _in_order(child)


def _calls(node: ast.AST, names: Collection[str]) -> Iterator[Call]:
    for one in _in_order(node):
        if isinstance(one, ast.Call) and isinstance(one.func, ast.Name) and one.func.id in names:
            with suppress(ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
                if not one.keywords:
                    yield tuple(ast.literal_eval(arg) for arg in one.args)


def _call_at(text: str, name: str) -> list[Call]:
    """Return the call that a text begins with; nothing where it is none with literal arguments."""
    for end in re.finditer(r"\)", text):
        with suppress(SyntaxError, ValueError, MemoryError, RecursionError):
            tree = ast.parse(_dedented(text[: end.end()]), mode="eval")
            return list(_calls(tree, [name]))[:1]
    return []


def _dedented(text: str) -> str:
    """Return an example of several lines without the ``...`` that it goes on with."""
    return re.sub(r"\n\s*\.\.\. ?", "\n", text)


def _parameters(text: str, name: str) -> list[str]:
    """Return the parameters of a function that a text defines; none where it defines no such."""
    with suppress(SyntaxError, ValueError, MemoryError, RecursionError):
        for node in ast.parse(text).body:
            if isinstance(node, ast.FunctionDef) and node.name == name:
                return [one.arg for one in node.args.args]
    return []


def _named_arguments(text: str, names: Sequence[str]) -> Iterator[Call]:
    """Yield what a text gives all parameters, one just behind the other: ``a = 1, b = [2]``."""
    patterns = [
        re.compile(rf"[\s,;]*(?:and\s+)?(?<![\w.]){re.escape(name)}\s*[=:]\s*") for name in names
    ]
    for first in patterns[0].finditer(text) if names else ():
        values, place = [], first.start()
        for pattern in patterns:
            match = pattern.match(text, place)
            found = _literal_at(text, match.end()) if match else None
            if found is None:
                break
            values.append(found[0])
            place = found[1]
        else:
            yield tuple(values)


def _literal_at(text: str, start: int) -> tuple[Any, int] | None:
    """Return the literal at a place of a text and where it ends; None for no literal."""
    for end in re.finditer(r"""[\])}'"\w](?!\.?\w)""", text[start : start + LONGEST_CALL]):
        part = text[start : start + end.end()]
        with suppress(ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
            return ast.literal_eval(part), start + end.end()
    return None
