"""The process that has the program: it is asked to call it, and answers with literals.

It never sees a test or an expected value. A program that walks through its frames finds what it
was itself called with, and whatever it makes this process say is no more than an answer.
"""

from __future__ import annotations

import sys
import types
from typing import Any

from workbench.sandbox.inside.literals import Line, Opaque, TooLarge, decode, encode

MOST_HELD = 10_000
"""Objects that are kept for later calls."""
LONGEST = 300
"""Letters of what an exception says."""


def serve(line: Line) -> None:
    """Answer requests until there are no more.

    The first is ``{"load": source}``; its answer has the ``names`` that the program defines. The
    others are calls: ``{"call": name, "args": [...], "kwargs": {...}}``, with ``"on": number`` for
    a method of an object that an earlier answer named. An answer has a ``value``, or an
    ``exception`` with its type, and ``changed``: the arguments that the call has changed, by place.
    """
    held: list[object] = []
    space = types.ModuleType("program")
    sys.modules["program"] = space
    sys.setrecursionlimit(5000)
    while True:
        try:
            request = line.receive()
        except EOFError:
            return
        try:
            answer = (
                _load(request["load"], space) if "load" in request else _call(request, space, held)
            )
            line.send(answer)
        except BaseException as fault:  # SystemExit and the like are the program's too
            line.send(_told(fault))


def _load(source: str, space: types.ModuleType) -> dict[str, Any]:
    """Run the program as a module, and return the names that it defines."""
    code = compile(source, "<program>", "exec", dont_inherit=True)
    exec(code, space.__dict__)
    return {"names": [name for name, value in vars(space).items() if callable(value)]}


def _call(request: Any, space: types.ModuleType, held: list[object]) -> dict[str, Any]:
    def hold(value: object) -> int:
        if len(held) >= MOST_HELD:
            raise TooLarge(f"more than {MOST_HELD} objects are held")
        held.append(value)
        return len(held) - 1

    def known(kind: str, number: int) -> object:
        return held[number] if 0 <= number < len(held) else Opaque(kind, number)

    args = [decode(one, known) for one in request["args"]]
    named = {name: decode(one, known) for name, one in request.get("kwargs", {}).items()}
    before = [encode(one, hold) if _mutable(one) else None for one in args]
    if "on" in request:
        called = getattr(held[request["on"]], request["call"])
    else:
        called = vars(space)[request["call"]]
    value = encode(called(*args, **named) if callable(called) else called, hold)
    changed = {
        str(place): now
        for place, one in enumerate(args)
        if _mutable(one) and (now := encode(one, hold)) != before[place]
    }
    return {"value": value, "changed": changed}


def _mutable(value: object) -> bool:
    return isinstance(value, list | dict | set | bytearray)


def _told(fault: BaseException) -> dict[str, Any]:
    """Return an exception as literals; the program's own ones may do anything when they are read."""
    if isinstance(fault, TooLarge):
        return {"exception": "TooLarge", "says": str(fault), "number": None}
    try:
        kind = str(type.__getattribute__(type(fault), "__name__"))
        says = str(fault)[:LONGEST]
        number = int(fault.errno) if isinstance(fault, OSError) and fault.errno else None
    except BaseException:
        kind, says, number = "Exception", "", None
    base = next((one.__name__ for one in type(fault).__mro__ if one.__module__ == "builtins"), "")
    return {"exception": kind, "says": says, "number": number, "base": base}
