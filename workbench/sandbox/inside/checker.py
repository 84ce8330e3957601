"""The process that has the tests: it calls the program through a proxy, and judges what comes back.

The tests are rewritten so that every ``assert`` is counted by itself, and that one that fails, or
whose call of the program raises, does not end the others. They may use what the problem's prompt
defines, and the entry points, which are called over the line (``proxies.py``).

The process serves many programs, one after the other, all by the same tests: these run anew for
each in a module of its own, so that no program finds what another has left.
"""

from __future__ import annotations

import json
import os
import socket
import sys
import types
from random import seed
from typing import Any

from workbench.sandbox.inside.faults import UNREADABLE, Gone, Raised, Unsupported
from workbench.sandbox.inside.literals import MOST_BYTES, Line, decode, encode
from workbench.sandbox.inside.proxies import Program
from workbench.sandbox.inside.record import COUNT, Record, counted, kind_of

CALL_SECONDS = 0.2
"""Of work, after which a call that no test decides is given up: made-up arguments may be such that
even a right program never ends."""
MOST_SLOW = 2
"""Calls of one program that are given up so, after which each other has ``QUICK_SECONDS``."""
QUICK_SECONDS = 0.02
TOO_SLOW = "TooSlow"
"""The exception of a call that was given up."""


def serve(line: Line) -> None:
    """Judge programs. The first message on ``line`` is the tests, each other one a program.

    The tests have a ``source``, a ``prompt`` (source whose helpers they may use), the
    ``entry_points``, those of them that are ``classes``, and the name of a function ``check`` of
    theirs that takes the first entry point, or none; the answer is ``ready``. With each program
    comes a connection to its process; the message has its ``program`` (source) and ``calls``: lists
    of encoded arguments that the first entry point is called with at the end. The answer is the
    verdict, with the answers to the calls.
    """
    os.dup2(0, 1)  # what tests print is nobody's
    os.dup2(0, 2)
    tests = CompiledTests(line.receive())
    line.send("ready")  # before the first connection is sent, which must not be read with a message
    while True:
        _, handed, _, _ = socket.recv_fds(line.connection, 1, 1)
        if not handed:
            return
        with socket.socket(fileno=handed[0]) as connection:
            line.send(judge(line.receive(), tests, Program(Line(connection))))


class CompiledTests:
    """The tests of a problem, compiled once."""

    def __init__(self, about: dict[str, Any]) -> None:
        """Compile them; a prompt that is no program by itself has no helpers."""
        tree, self.asserts = counted(about["source"])
        self.code = compile(tree, "<tests>", "exec")
        self.entry_points: list[str] = about["entry_points"]
        self.classes: list[str] = about["classes"]
        self.check: str | None = about["check"]
        try:
            self.prompt: types.CodeType | None = compile(about["prompt"], "<prompt>", "exec")
        except (SyntaxError, ValueError):
            self.prompt = None

    def run(self, program: Program, record: Record) -> None:
        """Test a program. What a test raises, outside an ``assert`` of its own, is passed on.

        No other name of the program than the entry points is there: one that the tests took for
        their own could judge itself.
        """
        seed(0)  # what tests draw at random is the same for every program
        module = types.ModuleType("tests")
        sys.modules["tests"] = module
        space = module.__dict__
        if self.prompt is not None:
            try:
                exec(self.prompt, space)
            except Exception:
                space.clear()
                space["__name__"] = "tests"
        for name in self.entry_points:
            made = program.made_by if name in self.classes else program.function
            space[name] = made(name)
        space[COUNT] = record.count
        exec(self.code, space)
        if self.check:
            space[self.check](space[self.entry_points[0]])


def judge(job: dict[str, Any], tests: CompiledTests, program: Program) -> dict[str, Any]:
    """Return what became of the tests."""
    record = Record(program)
    try:
        names = program.load(job["program"])
    except Raised as fault:
        outcome = "syntax" if fault.told.get("compiling") else kind_of(fault.told)
        return {"outcome": outcome, "why": str(fault)}
    except Gone:
        return {"outcome": "gone", "why": "while the program was loaded"}
    except MemoryError:
        return {"outcome": "memory", "why": "an answer that takes too much memory"}
    missing = [name for name in tests.entry_points if name not in names]
    if missing:
        return {"outcome": "exception", "why": f"the program defines no {', '.join(missing)}"}
    try:
        tests.run(program, record)
    except Gone:
        record.cut_short(tests.asserts)
    except BaseException as fault:
        record.stopped(fault)
        record.cut_short(tests.asserts)
    else:
        if tests.asserts and not record.total:  # as where they loop over what should be there
            record.failed("", "failed", "no assertion of the tests was reached")
            record.cut_short(tests.asserts)
    found = record.verdict()  # before the calls, which may be the end of it
    return found | {"answers": _answers(job["calls"], tests.entry_points[0], program)}


def _answers(calls: list[Any], name: str, program: Program) -> list[Any]:
    """Return what the entry point answers to calls, spelt as ``encode`` does; None for nothing."""
    found: list[Any] = []
    left = MOST_BYTES // 2
    slow = 0
    for args in calls:
        seconds = CALL_SECONDS if slow < MOST_SLOW else QUICK_SECONDS
        try:
            asked = {"call": name, "args": args, "eagerly": True, "cpu_seconds": seconds}
            answer = program.ask(asked)
            found.append({"value": _respelt(answer["value"])})
            if changed := {str(p): _respelt(one) for p, one in answer["changed"].items()}:
                found[-1]["changed"] = changed
        except Raised as fault:
            if fault.told["exception"] == TOO_SLOW:
                slow += 1
                found.append(None)
                continue
            found.append({name: fault.told[name] for name in ("exception", "says")})
        except Gone:
            found.append(None)
        except (Exception, Unsupported):  # what a forged message holds is not known
            found.append(UNREADABLE)
        left -= len(json.dumps(found[-1]))
        if left < 0:
            found[-1] = {"exception": "TooLarge", "says": f"{MOST_BYTES // 2} bytes of answers"}
    return found


def _respelt(message: Any) -> Any:
    """Return the one spelling of a value, in which an object is no more than its type."""
    return encode(decode(message), _known_as_nothing)


def _known_as_nothing(value: object) -> int:
    return 0
