"""The process that has the tests: it calls the program through a proxy, and judges what comes back.

The tests are rewritten so that every ``assert`` is counted by itself, and that one that fails, or
whose call of the program raises, does not end the others. A name that the tests use and do not
define is the program's: it is called over the line, and what comes back is a literal.
"""

from __future__ import annotations

import ast
import sys
import types
from collections.abc import Callable
from typing import Any

from workbench.sandbox.inside.literals import Line, Opaque, TooLarge, decode, encode

OF_MEMORY, OF_LIMITS = ("MemoryError",), (11, 12, 23, 24, 27, 28)
"""Exceptions that tell of too much memory; numbers of an OSError that tell of another limit."""
LONGEST = 400
"""Letters of a value in what is told of a failed test."""
MOST_TOLD = 3
"""Failed tests that are told in full."""
COUNT = "__count_test__"


class Gone(Exception):
    """The program's process is gone."""


class Raised(Exception):
    """The program raised an exception: its type, what it said, and what it tells of limits."""

    def __init__(self, told: dict[str, Any]) -> None:
        """Keep what the candidate told of it."""
        super().__init__(f"{told.get('exception')}: {told.get('says')}")
        self.told = told


class Unsupported(Exception):
    """A test needs of the program what no proxy can give it."""


def serve(line: Line, program: Line) -> None:
    """Judge one program. The first message on ``line`` is the job, and its answer the verdict.

    A job has the ``program`` and the ``tests`` (sources), the ``prompt`` (source whose helpers the
    tests may use), the ``entry_points``, the name of a function ``check`` of the tests that takes
    the first of them, or none, and ``calls``: lists of encoded arguments that the first entry point
    is called with at the end, whose answers come back as they are.
    """
    line.send(judge(line.receive(), program))


def judge(job: dict[str, Any], line: Line) -> dict[str, Any]:
    """Return what became of the tests."""
    record = Record()
    program = Program(line, record)
    try:
        names = program.load(job["program"])
    except Raised as fault:
        syntax = fault.told.get("base") == "SyntaxError" or fault.told.get("exception") in (
            "SyntaxError", "IndentationError", "TabError",
        )  # fmt: skip
        return {"outcome": "syntax" if syntax else kind_of(fault.told), "why": str(fault)}
    except Gone:
        return {"outcome": "gone", "why": "while the program was loaded"}
    missing = [name for name in job["entry_points"] if name not in names]
    if missing:
        return {"outcome": "exception", "why": f"the program defines no {', '.join(missing)}"}
    space = _space(job, program)
    space[COUNT] = record.count
    try:
        exec(compile(counted(job["tests"]), "<tests>", "exec"), space)
        if job.get("check"):
            space[job["check"]](space[job["entry_points"][0]])
    except Gone:
        record.gone = True
    except Raised as fault:
        record.failed("", kind_of(fault.told), str(fault))
    except Unsupported as fault:
        record.unsupported = str(fault)
    except BaseException as fault:
        record.failed("", "failed", f"{type(fault).__name__}: {fault}"[:LONGEST])
    return record.verdict() | {"answers": _answers(job, program)}


def _answers(job: dict[str, Any], program: Program) -> list[Any]:
    """Return what the entry point answers to the calls, as it came, and None for none."""
    found: list[Any] = []
    for args in job.get("calls", ()):
        try:
            found.append(program.ask({"call": job["entry_points"][0], "args": args}))
        except (Gone, ValueError):
            found.append(None)
    return found


class Program:
    """The program in the other process."""

    def __init__(self, line: Line, record: Record) -> None:
        """Speak to it over a line."""
        self.line, self.record = line, record
        self.lost = False

    def ask(self, request: dict[str, Any]) -> Any:
        """Send a request to the program and return the answer."""
        if self.lost:
            raise Gone
        try:
            self.line.send(request)
            return self.line.receive()
        except (EOFError, OSError) as fault:
            self.lost = True
            raise Gone from fault

    def load(self, source: str) -> list[str]:
        """Run the program as a module, and return the names that it defines."""
        answer = self.ask({"load": source})
        if "names" not in answer:
            raise Raised(answer)
        return [str(name) for name in answer["names"]]

    def call(self, name: str, args: tuple[Any, ...], kwargs: dict[str, Any], on: int | None) -> Any:
        """Call a function, or a method of an object of the program; return the value."""
        try:
            request: dict[str, Any] = {
                "call": name,
                "args": [encode(one, self._hold) for one in args],
                "kwargs": {key: encode(one, self._hold) for key, one in kwargs.items()},
            }
        except TooLarge as fault:
            raise Unsupported(f"{name} is called with {fault}") from fault
        if on is not None:
            request["on"] = on
        self.record.called = f"{name}({', '.join([*map(_spelt, args)])})"[:LONGEST]
        answer = self.ask(request)
        if not isinstance(answer, dict) or "value" not in answer:
            raise Raised(answer if isinstance(answer, dict) else {})
        try:
            value = decode(answer["value"], self._object)
            changed = {int(p): decode(one, self._object) for p, one in answer["changed"].items()}
        except Exception as fault:  # what a forged message holds is not known
            raise Raised({"exception": "ValueError", "says": f"no answer: {fault}"}) from fault
        for place, now in changed.items():
            _become(args[place], now)
        return value

    def _object(self, kind: str, number: int) -> Remote:
        return Remote(self, kind, number)

    def _hold(self, value: object) -> int:
        if isinstance(value, Remote) and value.__dict__["_program"] is self:
            return int(value.__dict__["_number"])
        raise Unsupported(f"an argument of type {type(value).__name__} cannot be handed over")


class Remote(Opaque):
    """An object of the program: its methods and attributes are asked for over the line."""

    def __init__(self, program: Program, kind: str, number: int) -> None:
        """Keep whose it is, and the number that the program knows it by."""
        super().__init__(kind, number)
        self.__dict__["_program"], self.__dict__["_number"] = program, number

    def __getattr__(self, name: str) -> Any:
        """Return a method that is called over the line."""
        if name.startswith("__"):
            raise AttributeError(name)
        program, number = self.__dict__["_program"], self.__dict__["_number"]

        def method(*args: Any, **kwargs: Any) -> Any:
            return program.call(name, args, kwargs, number)

        return method

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Call the object itself."""
        return self.__dict__["_program"].call("__call__", args, kwargs, self.__dict__["_number"])


def _become(mine: Any, now: Any) -> None:
    """Give an argument the value that the program has left it with."""
    if isinstance(mine, list | bytearray) and isinstance(now, list | bytearray):
        mine[:] = now
    elif isinstance(mine, dict | set) and type(mine) is type(now):
        mine.clear()
        mine.update(now)


def _space(job: dict[str, Any], program: Program) -> dict[str, Any]:
    """Return the names that the tests may use: the prompt's helpers, and the entry points.

    No other name of the program is there: one that is called as the tests' own could judge itself.
    """
    module = types.ModuleType("tests")
    sys.modules["tests"] = module
    space = module.__dict__
    try:
        exec(compile(job["prompt"], "<prompt>", "exec"), space)
    except BaseException:
        space = {"__name__": "tests"}  # a prompt that is not a program alone has no helpers
    return space | {name: _function(program, name) for name in job["entry_points"]}


def _function(program: Program, name: str) -> Callable[..., Any]:
    def function(*args: Any, **kwargs: Any) -> Any:
        return program.call(name, args, kwargs, None)

    function.__name__ = name
    return function


class Record:
    """Counts what became of the tests."""

    def __init__(self) -> None:
        """Begin with none."""
        self.passed = self.total = 0
        self.told: list[dict[str, str]] = []
        self.kinds: list[str] = []
        self.called = ""
        self.unsupported = ""
        self.gone = False

    def count(
        self, source: str, left: Callable[[], Any], right: Callable[[], Any] | None = None,
        compare: Callable[[Any, Any], Any] | None = None,
    ) -> None:  # fmt: skip
        """Count one ``assert``: ``left`` is its condition, or the first of two that are compared."""
        self.total += 1
        self.called = ""
        got: list[Any] = []
        try:
            got.append(left())
            if right is not None and compare is not None:
                got.append(right())
                fine = bool(compare(*got))
            else:
                fine = bool(got[0])
        except Gone:
            self.gone = True
            return
        except Raised as fault:
            self.failed(source, kind_of(fault.told), str(fault))
            return
        except (Unsupported, RecursionError) as fault:
            self.unsupported = self.unsupported or str(fault) or "too deep"
            return
        except Exception as fault:  # comparing what came back with what was expected
            self.failed(source, "failed", f"{type(fault).__name__}: {fault}"[:LONGEST])
            return
        if fine:
            self.passed += 1
        elif any(isinstance(one, Opaque) for one in got) and right is None:
            self.unsupported = self.unsupported or f"{source[:80]} needs an object of the program"
        else:
            self.failed(source, "failed", *map(_spelt, got))

    def failed(self, source: str, kind: str, got: str, expected: str = "") -> None:
        """Keep what is told of a test that is not passed."""
        self.kinds.append(kind)
        if len(self.told) < MOST_TOLD:
            told = {"test": source[:LONGEST], "call": self.called, "got": got}
            self.told.append(told | {"expected": expected})

    def verdict(self) -> dict[str, Any]:
        """Return what became of all tests, in one word, and the counts behind it."""
        if self.gone:
            outcome = "gone"
        elif self.kinds:
            outcome = self.kinds[0]
        elif self.unsupported:
            outcome = "unsupported"
        else:
            outcome = "passed"
        return {
            "outcome": outcome,
            "why": self.unsupported if outcome == "unsupported" else "",
            "passed": self.passed,
            "total": self.total,
            "failures": self.told,
        }


def kind_of(told: dict[str, Any]) -> str:
    """Return the outcome that an exception of the program stands for."""
    if told.get("exception") in OF_MEMORY:
        return "memory"
    if told.get("exception") == "TooLarge" or told.get("number") in OF_LIMITS:
        return "limit"
    return "exception"


def _spelt(value: object) -> str:
    try:
        return repr(value)[:LONGEST]
    except Exception as fault:
        return f"<{type(value).__name__}: {type(fault).__name__}>"


def counted(source: str) -> ast.Module:
    """Return tests in which each ``assert`` is counted instead."""
    tree = _Counting().visit(ast.parse(source))
    return ast.fix_missing_locations(tree)


COMPARED: dict[type[ast.cmpop], str] = {
    ast.Eq: "==", ast.NotEq: "!=", ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">=",
    ast.Is: "is", ast.IsNot: "is not", ast.In: "in", ast.NotIn: "not in",
}  # fmt: skip


class _Counting(ast.NodeTransformer):
    """Puts a call of ``Record.count`` in the place of each ``assert``."""

    def visit_Assert(self, node: ast.Assert) -> ast.stmt:
        """Return the call that counts it."""
        test = node.test
        if any(isinstance(part, ast.NamedExpr | ast.Await | ast.Yield) for part in ast.walk(test)):
            return node  # these would not mean the same in a function of their own
        parts: list[ast.expr] = [ast.Constant(ast.unparse(test))]
        if isinstance(test, ast.Compare) and len(test.ops) == 1:
            operator = COMPARED[type(test.ops[0])]
            both = ast.parse(f"lambda a, b: a {operator} b", mode="eval").body
            parts += [_later(test.left), _later(test.comparators[0]), both]
        else:
            parts.append(_later(test))
        return ast.Expr(ast.Call(ast.Name(COUNT, ast.Load()), parts, []))


def _later(expression: ast.expr) -> ast.Lambda:
    arguments = ast.arguments([], [], None, [], [], None, [])
    return ast.Lambda(arguments, expression)
