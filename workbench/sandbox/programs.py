"""Judges programs by tests, and calls them with arguments, in a sandbox."""

from __future__ import annotations

import ast
import json
import select
import signal
import socket
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import asdict, dataclass, field
from types import TracebackType
from typing import Any

from workbench.sandbox.inside.literals import MOST_BYTES, Line, TooLarge, encode
from workbench.sandbox.limits import Limits
from workbench.sandbox.zygotes import Kind, Role, SandboxError, Zygote

OUTCOMES = (
    "passed", "failed", "exception", "syntax", "timeout", "memory", "limit", "unsupported",
    "infrastructure",
)  # fmt: skip
"""What can become of a program. The last two say nothing of it: they are never scored as wrong."""
GRACE = 5.0
"""Seconds beyond a program's own in which the tests must have been judged."""
MOST_PROGRAMS = 1000
"""Of one process of tests, after which it is started anew."""
OF_TIME = (signal.SIGKILL, signal.SIGXCPU)
"""Signals by which the kernel ends a process that has worked for too long."""
AT_LEAST = 0.5
"""The share of its seconds of work that such a process has worked for: the kernel counts them by
ticks, which on a busy machine are more than it has had."""
FOREVER = 10**6
"""Seconds: a process of tests has no limit of its own, as ``GRACE`` is the end of it."""


@dataclass(frozen=True, kw_only=True)
class Tests:
    """The tests of a problem, which never enter the process of a program."""

    __test__ = False  # for pytest, which would take it for a class of tests

    source: str
    """Assertions, or functions with assertions in them."""
    entry_points: Sequence[str]
    """The names that the tests call; the first is the one that is called with ``calls``."""
    check: str | None = None
    """A function in ``source`` to be given the first entry point; None where it needs none."""
    prompt: str = ""
    """Source whose helpers the tests may use."""
    classes: Sequence[str] = ()
    """Those entry points that are classes under test: their objects have operators."""

    def __post_init__(self) -> None:
        """Check that the tests can be run.

        Raises:
            ValueError: they cannot; the message says why.
        """
        if not self.entry_points:
            raise ValueError("the tests have no entry point: name the function that they call")
        for name in (*self.entry_points, *self.classes):
            if not name.isidentifier():
                raise ValueError(f"the entry point {name!r} is no name of a function or class")
        if other := {*self.classes} - {*self.entry_points}:
            raise ValueError(f"the class {min(other)!r} is under test and no entry point: name it")
        try:
            body = ast.parse(self.source).body
        except (SyntaxError, ValueError) as fault:
            raise ValueError(f"the tests do not parse ({fault}): correct them") from fault
        if not body:
            raise ValueError("there are no tests: at least one assertion is needed")
        functions = {one.name for one in body if isinstance(one, ast.FunctionDef)}
        if self.check is not None and self.check not in functions:
            raise ValueError(f"the tests define no function {self.check!r}, which is to be called")


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """What became of a program."""

    outcome: str
    """One of ``OUTCOMES``."""
    why: str = ""
    passed: int = 0
    """Assertions that held."""
    total: int = 0
    """Assertions that were tried, and those that were left where the tests did not get to their
    end."""
    failures: Sequence[Mapping[str, str]] = ()
    """Of the first that failed: ``test``, ``call``, ``got`` and ``expected``."""
    answers: Sequence[Any] = ()
    """To ``calls``: each an encoded ``value`` (and ``changed`` arguments, by place) or the name of
    an ``exception``, and None where the program had ended."""

    @property
    def known(self) -> bool:
        """Whether the program's correctness is known."""
        return self.outcome not in ("unsupported", "infrastructure")

    @property
    def share(self) -> float:
        """The share of the assertions tried that held; 1 of a program that passed."""
        if self.outcome == "passed":
            return 1.0
        return self.passed / self.total if self.total else 0.0


@dataclass
class TestProcess:
    """A process that judges programs by the same tests."""

    __test__ = False

    tests: Tests
    line: Line
    ended: socket.socket
    """Where its supervisor tells of its end; closing it is its end."""
    programs: int = 0

    def close(self) -> None:
        """End it."""
        self.line.connection.close()
        self.ended.close()


@dataclass
class Sandbox:
    """Two zygotes, one for programs and one for tests; one program at a time."""

    kind: Kind = "bubblewrap"
    limits: Limits = field(default_factory=Limits)
    restarts: int = 0
    """How often a zygote was gone and was started anew."""
    zygotes: dict[Role, Zygote] = field(default_factory=dict, repr=False)
    test_process: TestProcess | None = field(default=None, repr=False)

    def __enter__(self) -> Sandbox:
        """Start the zygotes; SandboxError where that fails."""
        self._start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        fault: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End the zygotes and all programs."""
        self.close()

    def close(self) -> None:
        """End the zygotes and all programs; the next program starts others."""
        self._end_tests()
        while self.zygotes:
            self.zygotes.popitem()[1].close()

    def _start(self) -> None:
        roles: tuple[Role, ...] = ("candidate", "checker")
        for role in roles:
            if role not in self.zygotes:
                self.zygotes[role] = Zygote(self.kind)

    def judge(self, program: str, tests: Tests, calls: Sequence[Sequence[object]] = ()) -> Verdict:
        """Run a program's tests, and then call it.

        What goes wrong outside the program is tried once more, with new zygotes, as is a program
        whose time was up while it waited for a processor; what goes wrong twice outside has the
        outcome ``infrastructure``. Programs with the same tests are best judged one after the
        other, by one process of tests.

        Args:
            program: its source.
            tests: of its problem.
            calls: arguments, each call's in a sequence, that the first entry point is called with.

        Raises:
            ValueError: an argument of ``calls`` is no literal.
        """
        encoded = [[encode(one, _not_held) for one in args] for args in calls]
        job = {"program": program, "calls": encoded}
        found, retry = self._judge_once(job, tests)
        if retry:
            found, _ = self._judge_once(job, tests)
        return found

    def _judge_once(self, job: Mapping[str, Any], tests: Tests) -> tuple[Verdict, bool]:
        """Return a verdict, and whether another try may find another."""
        try:
            self._start()
            return self._run(job, tests)
        except (SandboxError, OSError) as fault:
            self.close()
            self.restarts += 1
            return Verdict(outcome="infrastructure", why=str(fault)), True

    def _run(self, job: Mapping[str, Any], tests: Tests) -> tuple[Verdict, bool]:
        process = self._process_of(tests)
        with ExitStack() as open_:
            asking, asked = (open_.enter_context(one) for one in socket.socketpair())
            candidate = open_.enter_context(
                self.zygotes["candidate"].fork("candidate", asdict(self.limits), [asked])
            )
            asked.close()
            end = time.monotonic() + self.limits.wall_seconds + GRACE
            try:
                socket.send_fds(process.line.connection, [b"."], [asking.fileno()])
                asking.close()
                process.line.send(job)
                said = process.line.receive()
            except TooLarge:
                self._end_tests()
                return Verdict(outcome="limit", why=f"a program of {MOST_BYTES} bytes"), False
            except TimeoutError:
                self._end_tests()
                said = {"outcome": "gone"}
            except (EOFError, OSError, ValueError):
                how = _told(process.ended, time.monotonic())
                raise SandboxError(f"the process of the tests ended: {how}") from None
            if said["outcome"] != "gone":
                return Verdict(**said), False
            how = _told(candidate, end)
            return _ended(how, said, self.limits), how["starved"]

    def _process_of(self, tests: Tests) -> TestProcess:
        """Return a process of these tests: the one that there is, or a new one."""
        process = self.test_process
        if process is None or process.tests != tests or process.programs >= MOST_PROGRAMS:
            self._end_tests()
            ours, theirs = socket.socketpair()
            limits = asdict(self.limits) | {"wall_seconds": FOREVER, "cpu_seconds": FOREVER}
            with theirs:
                ended = self.zygotes["checker"].fork("checker", limits, [theirs], watched=False)
            ours.settimeout(self.limits.wall_seconds + GRACE)
            process = self.test_process = TestProcess(tests, Line(ours), ended)
            try:
                process.line.send(asdict(tests))
                process.line.receive()
            except (EOFError, OSError, ValueError):
                how = _told(ended, time.monotonic())
                raise SandboxError(f"the process of the tests does not start: {how}") from None
        process.programs += 1
        return process

    def _end_tests(self) -> None:
        if self.test_process is not None:
            self.test_process.close()
            self.test_process = None


def _told(connection: socket.socket, end: float) -> dict[str, Any]:
    """Return what a supervisor tells of the end of its process.

    Raises:
        SandboxError: it tells nothing, or its own fault.
    """
    ready, _, _ = select.select([connection], [], [], max(1.0, end - time.monotonic()))
    text = b""
    with suppress(OSError):
        text = connection.recv(65536) if ready else b""
    if not text:
        raise SandboxError("the zygote of a program is gone")
    told: dict[str, Any] = json.loads(text)
    if "fault" in told:
        raise SandboxError(told["fault"])
    return told


def _ended(how: Mapping[str, Any], said: Mapping[str, Any], limits: Limits) -> Verdict:
    """Return the verdict on a program whose process ended before its tests did."""
    cpu = float(how["cpu"])
    counts = {name: said[name] for name in ("passed", "total", "failures") if name in said}
    counts["answers"] = said.get("answers", ())
    if how["over"] == "wall":
        outcome, why = "timeout", f"{limits.wall_seconds} s were up after {cpu:.1f} s of work"
    elif how["signal"] in OF_TIME and cpu > AT_LEAST * limits.cpu_seconds:
        outcome, why = "timeout", f"{limits.cpu_seconds} s of work"
    elif how["over"] == "memory":
        outcome, why = "memory", f"its processes have more than {limits.memory_mib} MiB together"
    elif how["over"] == "tmp":
        outcome, why = "limit", f"its files have more than {limits.tmp_mib} MiB together"
    elif how["signal"] is not None:
        outcome, why = "exception", f"its process was ended by signal {how['signal']}"
    else:
        outcome, why = "exception", f"its process left with code {how['code']}"
    return Verdict(outcome=outcome, why=why, **counts)


def _not_held(value: object) -> int:
    raise ValueError(f"a program can be called with literals, not with {type(value).__name__}")
