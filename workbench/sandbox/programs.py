"""Judges programs by tests, and calls them with arguments, in a sandbox."""

from __future__ import annotations

import json
import select
import socket
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any

from workbench.sandbox.inside.literals import Line, encode
from workbench.sandbox.limits import Limits
from workbench.sandbox.zygotes import Kind, Role, SandboxError, Zygote

OUTCOMES = (
    "passed", "failed", "exception", "syntax", "timeout", "memory", "limit", "unsupported",
    "infrastructure",
)  # fmt: skip
"""What can become of a program. The last two say nothing of it: they are never scored as wrong."""
IDLE = 0.2
"""A program whose time was up, of which it had used a smaller share than this, was kept waiting."""
GRACE = 5.0
"""Seconds beyond a program's own that its supervisor has to tell how it ended."""


@dataclass(frozen=True, kw_only=True)
class Tests:
    """The tests of a problem, which never enter the process of a program."""

    source: str
    """Assertions, or functions with assertions in them."""
    entry_points: Sequence[str]
    """The names that the tests call; the first is the one that is called with ``calls``."""
    check: str | None = None
    """A function of ``source`` that takes the first entry point; None where it asserts by itself."""
    prompt: str = ""
    """Source whose helpers the tests may use."""


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """What became of a program."""

    outcome: str
    """One of ``OUTCOMES``."""
    why: str = ""
    passed: int = 0
    """Assertions that held."""
    total: int = 0
    """Assertions that were tried."""
    failures: Sequence[Mapping[str, str]] = ()
    """Of the first that failed: ``test``, ``call``, ``got`` and ``expected``."""
    answers: Sequence[Any] = ()
    """To ``calls``: each an answer of the program, not decoded, or None where it gave none."""
    cpu: float = 0.0
    """Seconds of the program's process."""

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
class Sandbox:
    """Two zygotes, one for programs and one for tests; one program at a time."""

    kind: Kind = "bubblewrap"
    limits: Limits = field(default_factory=Limits)
    restarts: int = 0
    """How often a zygote was gone and was started anew."""
    zygotes: dict[Role, Zygote] = field(default_factory=dict, repr=False)

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
        self._stop()

    def _start(self) -> None:
        for role in ("candidate", "checker"):
            if role not in self.zygotes:
                self.zygotes[role] = Zygote(self.kind)  # type: ignore[index]

    def _stop(self) -> None:
        while self.zygotes:
            self.zygotes.popitem()[1].close()

    def judge(self, program: str, tests: Tests, calls: Sequence[Sequence[object]] = ()) -> Verdict:
        """Run a program's tests, and then call it.

        What goes wrong outside the program, or while it was kept waiting, is tried once more, with
        new zygotes; what goes wrong twice has the outcome ``infrastructure``.

        Args:
            program: its source.
            tests: of its problem.
            calls: arguments, each call's in a sequence, that the first entry point is called with.
        """
        job = {
            "program": program,
            "tests": tests.source,
            "prompt": tests.prompt,
            "entry_points": list(tests.entry_points),
            "check": tests.check,
            "calls": [[encode(one, _not_held) for one in args] for args in calls],
        }
        found = self._judge_once(job)
        if found.outcome == "infrastructure":
            found = self._judge_once(job)
        return found

    def _judge_once(self, job: Mapping[str, Any]) -> Verdict:
        try:
            self._start()
            return self._run(job)
        except (SandboxError, OSError) as fault:
            self._stop()
            self.restarts += 1
            return Verdict(outcome="infrastructure", why=str(fault))

    def _run(self, job: Mapping[str, Any]) -> Verdict:
        with ExitStack() as open_:
            ours, theirs = (open_.enter_context(one) for one in socket.socketpair())
            asking, asked = (open_.enter_context(one) for one in socket.socketpair())
            candidate = open_.enter_context(
                self.zygotes["candidate"].fork("candidate", self.limits, [asked])
            )
            checker = open_.enter_context(
                self.zygotes["checker"].fork("checker", self.limits, [theirs, asking])
            )
            for one in (theirs, asking, asked):
                one.close()
            end = time.monotonic() + self.limits.wall_seconds + GRACE
            ours.settimeout(self.limits.wall_seconds + GRACE)
            line = Line(ours)
            try:
                line.send(job)
                said = line.receive()
            except (EOFError, ValueError, TimeoutError):
                said = None
            if said is not None and said["outcome"] != "gone":
                return Verdict(**said)
            how = _told(candidate, end)
            if said is None and not how["timed_out"]:
                how_checked = _told(checker, end)
                if not how_checked["timed_out"]:
                    raise SandboxError(f"the process of the tests ended: {how_checked}")
            return _ended(how, said or {}, self.limits)


def _told(connection: socket.socket, end: float) -> dict[str, Any]:
    """Return what a supervisor tells of the end of its process.

    Raises:
        SandboxError: it tells nothing, or its own fault.
    """
    ready, _, _ = select.select([connection], [], [], max(0.0, end - time.monotonic()))
    text = b""
    with suppress(OSError):
        text = connection.recv(65536) if ready else b""
    if not text:
        raise SandboxError("the supervisor of a program is gone")
    told: dict[str, Any] = json.loads(text)
    if "fault" in told:
        raise SandboxError(told["fault"])
    return told


def _ended(how: Mapping[str, Any], said: Mapping[str, Any], limits: Limits) -> Verdict:
    """Return the verdict on a program whose process ended before its tests did."""
    counts = {name: said[name] for name in ("passed", "total", "failures") if name in said}
    cpu = float(how["cpu"])
    if how["timed_out"]:
        if cpu < IDLE * limits.wall_seconds:
            why = f"{limits.wall_seconds} s were up after {cpu:.2f} s of work"
            return Verdict(outcome="timeout", why=why, cpu=cpu, **counts)
        return Verdict(outcome="timeout", why=f"{limits.wall_seconds} s", cpu=cpu, **counts)
    if cpu >= limits.cpu_seconds - 0.05:
        return Verdict(outcome="timeout", why=f"{cpu:.1f} s of work", cpu=cpu, **counts)
    if how["signal"] is not None:
        why = f"ended by signal {how['signal']}"
        return Verdict(outcome="exception", why=why, cpu=cpu, **counts)
    return Verdict(outcome="exception", why=f"it left with code {how['code']}", cpu=cpu, **counts)


def _not_held(value: object) -> int:
    raise ValueError(f"{type(value).__name__} is no literal")
