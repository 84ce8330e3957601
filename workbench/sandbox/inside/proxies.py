"""What the tests have in their hands: a program in another process, and its values and objects.

- Arguments and results that are literals are copied.
- An argument that is a list, dict, set, deque or bytearray is given what the program left in it.
- An iterator is asked for its values as the tests take them; it may have no end.
- An object that a function returns has the attributes and methods that the program gives it, as
  long as no literal has one of that name, and may be called. It equals nothing, and is neither
  true nor false: the tests compare what it answers, never it, so that no object can pose as the
  value that was asked for.
- An object that the tests make of a *class under test* has operators and all its methods too. They
  are what is tested.
- An exception is caught under the name of the built-in one that it is.
- What is none of these is ``Unsupported``, with its name: an argument that is a function or object
  of the tests, the identity of two objects, ``==`` between two objects of a class under test.

An iterator and a class under test, of a program that runs in this process for once:

>>> import socket, threading
>>> from workbench.sandbox.inside import candidate
>>> from workbench.sandbox.inside.literals import Line
>>> ours, theirs = socket.socketpair()
>>> other = threading.Thread(target=candidate.serve, args=[Line(theirs)], daemon=True)
>>> other.start()
>>> program = Program(Line(ours))
>>> program.load('''
... def squares():
...     number = 0
...     while True:
...         yield number**2
...         number += 1
...
... class Basket:
...     def __init__(self):
...         self.things = []
...     def put(self, thing):
...         self.things.append(thing)
...     def __len__(self):
...         return len(self.things)
... ''')
['squares', 'Basket']
>>> numbers = program.function("squares")()
>>> [next(numbers), next(numbers), next(numbers)]
[0, 1, 4]
>>> basket = program.made_by("Basket")()
>>> basket.put("apple")
>>> (len(basket), basket.things)
(1, ['apple'])
>>> basket == basket
Traceback (most recent call last):
    ...
workbench.sandbox.inside.faults.Unsupported: == between objects of the program (Basket)
>>> ours.close(), other.join(), theirs.close()
(None, None, None)
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from decimal import Decimal
from fractions import Fraction
from typing import Any

from workbench.sandbox.inside.faults import LONGEST, Gone, Raised, Unsupported, raised, spelt
from workbench.sandbox.inside.literals import (
    MOST_OF_ITERATOR,
    Line,
    Opaque,
    TooLarge,
    decode,
    encode,
)

LITERALS = (
    bool, int, float, complex, str, bytes, bytearray, list, tuple, set, frozenset, dict, range,
    deque, Decimal, Fraction,
)  # fmt: skip
OF_LITERALS = frozenset(name for kind in LITERALS for name in dir(kind))
"""Attributes that an object may not answer for in place of a literal."""


class Program:
    """The program in the other process."""

    def __init__(self, line: Line) -> None:
        """Speak to it over a line."""
        self.line = line
        self.lost = self.broken = False
        self.called = ""
        self.names: list[str] = []

    def ask(self, request: dict[str, Any]) -> Any:
        """Send a request to the program and return the answer.

        Raises:
            Gone: its process is.
            Unsupported: the request is too large.
            Raised: it answered with an exception, or with what is no answer.
        """
        if self.lost:
            raise Gone
        if self.broken:
            raise raised(None)
        try:
            self.line.send(request)
        except TooLarge as fault:
            raise Unsupported(f"{self.called[:80]} is called with {fault}") from fault
        except OSError as fault:
            self.lost = True
            raise Gone from fault
        try:
            found = self.line.receive()
        except (EOFError, OSError) as fault:
            self.lost = True
            raise Gone from fault
        except ValueError:
            found = None
            self.broken = True  # the line is in the middle of a message
        if not isinstance(found, dict) or "exception" in found:
            raise raised(found)
        return found

    def load(self, source: str) -> list[str]:
        """Run the program as a module, and return the names that it defines."""
        names = self.ask({"load": source}).get("names")
        if not isinstance(names, list):
            raise raised(None)
        self.names = [name for name in names if isinstance(name, str)]
        return self.names

    def function(self, name: str) -> Callable[..., Any]:
        """Return what calls a function of the program."""

        def function(*args: Any, **kwargs: Any) -> Any:
            return self.use(name, {"call": name}, args, kwargs)

        function.__name__ = function.__qualname__ = name
        return function

    def made_by(self, name: str) -> Callable[..., Any]:
        """Return what makes objects of a class of the program that is under test."""

        def made(*args: Any, **kwargs: Any) -> Any:
            found = self.use(name, {"call": name}, args, kwargs)
            if not isinstance(found, Opaque):  # an iterator may be of a class under test, too
                return found
            return Instance(self, name, found.__dict__["_number"])

        made.__name__ = made.__qualname__ = name
        return made

    def use(
        self, name: str, request: dict[str, Any], args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Any:
        """Send a request with arguments; return the value, and change the arguments.

        Args:
            name: of what is called, for messages.
            request: without its arguments.
            args: given by place.
            kwargs: given by name.
        """
        self.called = f"{name}({', '.join([spelt(one) for one in args])})"[:LONGEST]
        try:
            request["args"] = [encode(one, self._hold) for one in args]
            request["kwargs"] = {key: encode(one, self._hold) for key, one in kwargs.items()}
        except TooLarge as fault:
            raise Unsupported(f"{name} is called with {fault}") from fault
        except Unsupported as fault:
            raise Unsupported(f"{name}: {fault}") from fault
        answer = self.ask(request)
        try:
            if "get" in request and answer.get("method") is True:
                return METHOD
            value = self.decoded(answer["value"])
            changed = {str(p): self.decoded(one) for p, one in answer["changed"].items()}
        except Exception as fault:  # what a forged message holds is not known
            raise raised(None) from fault
        given = {str(place): one for place, one in enumerate(args)} | kwargs
        for place, now in changed.items():
            _become(given.get(place), now)
        return value

    def decoded(self, message: Any) -> Any:
        """Return a value of the program."""
        return decode(
            message,
            lambda kind, number: Remote(self, kind, number),
            lambda kind, number: RemoteIterator(self, number),
        )

    def _hold(self, value: object) -> int:
        if isinstance(value, Opaque) and value.__dict__.get("_program") is self:
            return int(value.__dict__["_number"])
        raise Unsupported(f"an argument of type {type(value).__name__} cannot be handed over")


METHOD = object()
"""Stands for an attribute of an object that is a method."""


class Remote(Opaque):
    """An object of the program: its methods and attributes are asked for over the line."""

    def __init__(self, program: Program, kind: str, number: int) -> None:
        """Keep whose it is, and the number that the program knows it by."""
        super().__init__(kind, number)
        self.__dict__["_program"] = program

    def __getattr__(self, name: str) -> Any:
        """Return an attribute, or a method that is called over the line."""
        if name.startswith("__") or (name in OF_LITERALS and not isinstance(self, Instance)):
            raise AttributeError(f"{spelt(self)} is no literal, and is not asked for {name}")
        found = self._use(name, {"get": name})
        if found is not METHOD:
            return found

        def method(*args: Any, **kwargs: Any) -> Any:
            return self._use(name, {"method": name}, *args, **kwargs)

        return method

    def __setattr__(self, name: str, value: Any) -> None:
        """Set an attribute of the object."""
        self._use(name, {"set": name}, value)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Call the object itself."""
        return self._use("it", {}, *args, **kwargs)

    def __bool__(self) -> bool:
        """Refuse: as a Python object it would be true, and pass for what was asked for."""
        raise TypeError(f"{spelt(self)} is neither true nor false")

    def _use(self, name: str, request: dict[str, Any], *args: Any, **kwargs: Any) -> Any:
        request["on"] = self.__dict__["_number"]
        name = f"{self.__dict__['_kind']}.{name}"
        return self.__dict__["_program"].use(name, request, args, kwargs)


class Instance(Remote):
    """An object of a class under test."""

    def __eq__(self, other: object) -> bool:
        """Refuse: an object that equals everything would pass."""
        raise Unsupported(f"== between objects of the program ({self.__dict__['_kind']})")

    def __ne__(self, other: object) -> bool:
        """Refuse, likewise."""
        raise Unsupported(f"!= between objects of the program ({self.__dict__['_kind']})")

    __hash__ = None  # type: ignore[assignment]

    def __next__(self) -> Any:
        """Return the next value; StopIteration where the program says so."""
        try:
            return self._use("next", {"do": "next"})
        except Raised as fault:
            if fault.told.get("base") == "StopIteration":
                raise StopIteration from None
            raise


def _operator(name: str) -> Callable[..., Any]:
    def method(self: Instance, *args: Any) -> Any:
        return self._use(name, {"do": name}, *args)

    return method


for _name in (
    "len", "bool", "iter", "str", "repr", "int", "float", "abs", "getitem", "setitem",
    "delitem", "contains", "lt", "le", "gt", "ge", "add", "sub", "mul", "truediv", "floordiv",
    "mod", "pow", "and_", "or_", "xor", "neg",
):  # fmt: skip
    setattr(Instance, f"__{_name.rstrip('_')}__", _operator(_name))


class RemoteIterator(Opaque):
    """An iterator of the program, asked for more and more values at a time."""

    _yields = True

    def __init__(self, program: Program, number: int) -> None:
        """Keep whose it is, and the number that the program knows it by."""
        super().__init__("iterator", number)
        self.__dict__.update(_program=program, _values=deque(), _most=1, _taken=0, _then=None)

    def __iter__(self) -> Iterator[Any]:
        """Return itself."""
        return self

    def __next__(self) -> Any:
        """Return its next value.

        Raises:
            Raised: it has more than any test takes.
        """
        mine = self.__dict__
        if not mine["_values"] and mine["_then"] is None:
            self._ask_more()
        if mine["_values"]:
            mine["_taken"] += 1
            if mine["_taken"] > MOST_OF_ITERATOR:
                says = f"an iterator with more than {MOST_OF_ITERATOR} values"
                raise raised({"exception": "TooLarge", "says": says})
            return mine["_values"].popleft()
        raise mine["_then"]

    def _ask_more(self) -> None:
        mine = self.__dict__
        program: Program = mine["_program"]
        answer = program.ask({"take": mine["_most"], "on": mine["_number"]})
        mine["_most"] = min(2 * mine["_most"], 128)
        try:
            mine["_values"].extend(map(program.decoded, answer["values"]))
        except Exception as fault:
            raise raised(None) from fault
        if "then" in answer:
            mine["_then"] = raised(answer["then"])
        elif answer.get("end") or not answer["values"]:
            mine["_then"] = StopIteration()


def _become(mine: Any, now: Any) -> None:
    """Give an argument the value that the program has left it with."""
    if isinstance(mine, list | bytearray) and isinstance(now, list | bytearray):
        mine[:] = now
    elif isinstance(mine, deque) and isinstance(now, deque):
        mine.clear()
        mine.extend(now)
    elif isinstance(mine, dict | set) and isinstance(now, type(mine)):
        mine.clear()
        mine.update(now)
