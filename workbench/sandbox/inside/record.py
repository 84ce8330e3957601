"""Counts what became of each test: ``assert`` is rewritten into a call of ``Record.count``."""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping
from typing import Any

from workbench.sandbox.inside.faults import LONGEST, Raised, Unsupported, plain, spelt
from workbench.sandbox.inside.proxies import Program

OF_MEMORY, OF_LIMITS = "MemoryError", (11, 12, 23, 24, 27, 28)
"""Exceptions that tell of too much memory; numbers of an OSError that tell of another limit."""
NO_THREAD = "can't start new thread"
MOST_TOLD = 3
"""Failed tests that are told in full."""
COUNT = "__count_test__"


class Record:
    """Counts what became of the tests of one program."""

    def __init__(self, program: Program) -> None:
        """Begin with none."""
        self.program = program
        self.passed = self.total = 0
        self.told: list[dict[str, str]] = []
        self.kinds: list[str] = []
        self.unsupported = ""

    def count(
        self, source: str, left: Callable[[], Any], right: Callable[[], Any] | None = None,
        compare: Callable[[Any, Any], Any] | None = None, identity: bool = False,
    ) -> None:  # fmt: skip
        """Count one ``assert``; ``left`` is its condition, or the first of two that it compares."""
        self.total += 1
        self.program.called = ""
        got: list[Any] = []
        try:
            got.append(left())
            if right is not None and compare is not None:
                got.append(right())
                if identity and not any(map(_unique, got)):
                    raise Unsupported("the identity of two objects")
                fine = bool(compare(*got))
            else:
                fine = bool(got[0])
        except (Exception, Unsupported) as fault:
            self.stopped(fault, source)
        else:
            if fine:
                self.passed += 1
            else:
                self.failed(source, "failed", *map(spelt, got))

    def failed(self, source: str, kind: str, got: str, expected: str = "") -> None:
        """Keep what is told of a test that is not passed."""
        self.kinds.append(kind)
        if len(self.told) < MOST_TOLD:
            told = {"test": source[:LONGEST], "call": self.program.called, "got": got}
            self.told.append(told | {"expected": expected})

    def stopped(self, fault: BaseException, source: str = "") -> None:
        """Count what an ``assert`` raises instead of being true or false, or the tests beside it.

        Comparing what came back with what was expected raises as well; that is a failure.
        """
        where = f"{source[:80]}: " if source else ""
        if isinstance(fault, Raised):
            self.failed(source, kind_of(fault.told), str(fault))
        elif isinstance(fault, Unsupported):
            self.unsupported = self.unsupported or f"{where}{fault}"
        elif isinstance(fault, ImportError):
            self.unsupported = self.unsupported or f"{where}the tests import: {fault}"
        elif isinstance(fault, NameError) and fault.name in self.program.names:
            why = f"{where}{fault.name} of the program is used and is no entry point"
            self.unsupported = self.unsupported or why
        elif isinstance(fault, MemoryError):
            self.failed(source, "memory", "a value that takes too much memory")
        else:
            self.failed(source, "failed", plain(f"{type(fault).__name__}: {fault}"))

    def cut_short(self, asserts: int) -> None:
        """Count the asserts that were left too, where the tests ended before their end.

        Otherwise a program that ends itself after its first success would share in all of them.
        """
        self.total = max(self.total, self.passed + 1, asserts)

    def verdict(self) -> dict[str, Any]:
        """Return what became of all tests, in one word, and the counts behind it."""
        if self.program.lost:
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


def _unique(value: object) -> bool:
    """Whether a value is the same object in all processes."""
    return value is None or value is ... or isinstance(value, bool | type)


def kind_of(told: Mapping[str, Any]) -> str:
    """Return the outcome that an exception of the program stands for."""
    if told.get("exception") == OF_MEMORY:
        return "memory"
    limit = told.get("exception") == "TooLarge" or told.get("number") in OF_LIMITS
    return "limit" if limit or told.get("says") == NO_THREAD else "exception"


def counted(source: str) -> tuple[ast.Module, int]:
    """Return tests in which each ``assert`` is counted instead, and how many these are."""
    tree = ast.parse(source)
    counting = _Counting()
    counting.visit(tree)
    return ast.fix_missing_locations(tree), counting.found


COMPARED: dict[type[ast.cmpop], str] = {
    ast.Eq: "==", ast.NotEq: "!=", ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">=",
    ast.Is: "is", ast.IsNot: "is not", ast.In: "in", ast.NotIn: "not in",
}  # fmt: skip


class _Counting(ast.NodeTransformer):
    """Puts a call of ``Record.count`` in the place of each ``assert``."""

    def __init__(self) -> None:
        """Begin with none found."""
        self.found = 0

    def visit_ClassDef(self, node: ast.ClassDef) -> ast.stmt:
        """Leave asserts in the body of a class itself, whose names no function sees."""
        node.body = [one if isinstance(one, ast.Assert) else self.visit(one) for one in node.body]
        return node

    def visit_Assert(self, node: ast.Assert) -> ast.stmt:
        """Return the call that counts it."""
        test = node.test
        if any(isinstance(part, ast.NamedExpr | ast.Await | ast.Yield) for part in ast.walk(test)):
            return node  # these would not mean the same in a function of their own
        self.found += 1
        parts: list[ast.expr] = [ast.Constant(ast.unparse(test))]
        if isinstance(test, ast.Compare) and len(test.ops) == 1:
            operator = COMPARED[type(test.ops[0])]
            both = ast.parse(f"lambda a, b: a {operator} b", mode="eval").body
            parts += [_later(test.left), _later(test.comparators[0]), both]
            parts.append(ast.Constant(operator in ("is", "is not")))
        else:
            parts.append(_later(test))
        return ast.Expr(ast.Call(ast.Name(COUNT, ast.Load()), parts, []))


def _later(expression: ast.expr) -> ast.Lambda:
    arguments = ast.arguments([], [], None, [], [], None, [])
    return ast.Lambda(arguments, expression)
