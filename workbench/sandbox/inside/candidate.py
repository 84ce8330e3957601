"""The process that has the program: it is asked to call it, and answers with literals.

It never sees a test or an expected value. A program that walks through its frames finds what it
was itself called with, and whatever it makes this process say is no more than an answer.
"""

from __future__ import annotations

import operator
import signal
import sys
import types
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from workbench.sandbox.inside.literals import Line, Opaque, TooLarge, decode, encode

MOST_HELD = 10_000
"""Objects that are kept for later calls."""
LONGEST = 300
"""Letters of what an exception says."""
MOST_AT_ONCE = 256
"""Values of an iterator that are asked for together."""
OPERATIONS: Mapping[str, Callable[..., Any]] = {
    "len": len, "bool": bool, "iter": iter, "next": next, "str": str, "repr": repr, "hash": hash,
    "int": int, "float": float, "abs": abs,
    **{name: getattr(operator, name) for name in (
        "getitem", "setitem", "delitem", "contains", "lt", "le", "gt", "ge", "add", "sub", "mul",
        "truediv", "floordiv", "mod", "pow", "and_", "or_", "xor", "neg",
    )},
}  # fmt: skip
"""What an object of a class under test may be asked for beside its methods."""


def serve(line: Line) -> None:
    """Answer requests until there are no more.

    The first is ``{"load": source}``; its answer has the ``names`` that the program defines. The
    others have encoded ``args`` and ``kwargs``, and ask for one thing: to ``call`` a name, to
    ``get`` or ``set`` an attribute of an object that an earlier answer named (``on``), to call its
    ``method``, or to ``do`` one of ``OPERATIONS`` with it. ``take`` is the next values of an
    iterator. With ``cpu_seconds`` a request that works for longer is given up, as far as the
    program lets it be, and raises ``TooSlow``. An answer has a ``value``, or an ``exception`` with
    its type, and ``changed``: the arguments that the call has changed, by place or name.
    """
    space = types.ModuleType("program")
    sys.modules["program"] = space
    program = Held(space)
    while True:
        try:
            request = line.receive()
        except EOFError:
            return
        try:
            with _limited(request.get("cpu_seconds")):
                answer = program.answer(request)
            line.send(answer)
        except BaseException as fault:  # SystemExit and the like are the program's too
            line.send(_told(fault))


class TooSlow(BaseException):
    """A call has worked for longer than it may."""


@contextmanager
def _limited(seconds: float | None) -> Iterator[None]:
    """Raise ``TooSlow`` when this process has worked for so many seconds, again and again."""
    if seconds is None:
        yield
        return
    try:
        signal.signal(signal.SIGPROF, _give_up)
        signal.setitimer(signal.ITIMER_PROF, seconds, seconds)
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)


def _give_up(number: int, frame: object) -> None:
    raise TooSlow


class Held:
    """A loaded program, and the objects of it that the other process knows by number."""

    def __init__(self, space: types.ModuleType) -> None:
        """Begin with none, and a module to load the program into."""
        self.space = space
        self.objects: list[object] = []
        self.numbers: dict[int, int] = {}

    def answer(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """Do what a request asks for."""
        if "load" in request:
            try:
                code = compile(request["load"], "<program>", "exec", dont_inherit=True)
            except Exception as fault:  # SyntaxError, and what a zero byte or deep nesting raises
                return _told(fault) | {"compiling": True}
            exec(code, self.space.__dict__)
            return {"names": [name for name, value in vars(self.space).items() if callable(value)]}
        if "take" in request:
            return self._take(request["on"], min(request["take"], MOST_AT_ONCE))
        return self._do(request)

    def _do(self, request: Mapping[str, Any]) -> dict[str, Any]:
        args = [decode(one, self._known) for one in request.get("args", ())]
        named = {name: decode(one, self._known) for name, one in request.get("kwargs", {}).items()}
        given = dict(enumerate(args)) | named
        before = {place: self._encoded(one) for place, one in given.items() if _mutable(one)}
        if "call" in request:
            found = vars(self.space)[request["call"]](*args, **named)
        else:
            found = self._of_object(self.objects[request["on"]], request, args, named)
        lazily = not request.get("eagerly", False)
        if found is METHOD:
            return {"method": True}
        value = encode(found, self._hold, lazily)
        changed = {
            str(place): now
            for place, was in before.items()
            if (now := self._encoded(given[place])) != was
        }
        return {"value": value, "changed": changed}

    def _of_object(self, it: Any, request: Mapping[str, Any], args: Any, named: Any) -> Any:
        if "method" in request:
            return getattr(it, request["method"])(*args, **named)
        if "get" in request:
            found = getattr(it, request["get"])
            return METHOD if isinstance(found, METHODS) else found
        if "set" in request:
            return setattr(it, request["set"], *args)
        if "do" in request:
            return OPERATIONS[request["do"]](it, *args)
        return it(*args, **named)

    def _take(self, number: int, most: int) -> dict[str, Any]:
        """Return the next values of an iterator; ``end`` where it has no more."""
        values: list[Any] = []
        iterator: Any = self.objects[number]
        while len(values) < most:
            try:
                values.append(encode(next(iterator), self._hold, lazily=True))
            except StopIteration:
                return {"values": values, "end": True}
            except BaseException as fault:
                if not values:
                    raise
                return {"values": values, "then": _told(fault)}
        return {"values": values}

    def _encoded(self, value: object) -> Any:
        return encode(value, self._hold, lazily=True)

    def _hold(self, value: object) -> int:
        if id(value) not in self.numbers:
            if len(self.objects) >= MOST_HELD:
                raise TooLarge(f"more than {MOST_HELD} objects are held")
            self.numbers[id(value)] = len(self.objects)
            self.objects.append(value)
        return self.numbers[id(value)]

    def _known(self, kind: str, number: int) -> object:
        return self.objects[number] if 0 <= number < len(self.objects) else Opaque(kind, number)


METHOD = object()
"""Stands for an attribute that is a method."""
METHODS = (types.MethodType, types.FunctionType, types.BuiltinMethodType, types.MethodWrapperType)


def _mutable(value: object) -> bool:
    return isinstance(value, list | dict | set | bytearray) or type(value).__name__ == "deque"


def _told(fault: BaseException) -> dict[str, Any]:
    """Return an exception as literals; the program's own may do anything when they are read."""
    if isinstance(fault, TooLarge):
        return {"exception": "TooLarge", "says": str(fault)}
    try:
        kind = str(type.__getattribute__(type(fault), "__name__"))[:LONGEST]
        says = str(fault)[:LONGEST]
        number = int(fault.errno) if isinstance(fault, OSError) and fault.errno else None
    except BaseException:
        kind, says, number = "Exception", "", None
    base = next((one.__name__ for one in type(fault).__mro__ if one.__module__ == "builtins"), "")
    return {"exception": kind, "says": says, "number": number, "base": base}
