"""Judges many programs at once, in several sandboxes."""

from __future__ import annotations

import os
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from types import TracebackType

from workbench.sandbox.limits import Limits
from workbench.sandbox.programs import Sandbox, Tests, Verdict
from workbench.sandbox.zygotes import Kind

MOST_AT_ONCE = 25
"""Programs of the same tests that one sandbox judges before another may have some."""


@dataclass(frozen=True, kw_only=True)
class Submission:
    """A program to be judged, by which tests, and what it is called with afterwards."""

    program: str
    tests: Tests
    calls: Sequence[Sequence[object]] = ()


@dataclass
class Workers:
    """Threads with a sandbox each; one thread is busy with a program for most of its time."""

    kind: Kind = "bubblewrap"
    limits: Limits = field(default_factory=Limits)
    count: int = 0
    """How many sandboxes; 0 for one more than there are processors, so that none waits."""
    _sandboxes: list[Sandbox] = field(default_factory=list, repr=False)
    _threads: ThreadPoolExecutor | None = field(default=None, repr=False)
    _own: threading.local = field(default_factory=threading.local, repr=False)
    _stopped: threading.Event = field(default_factory=threading.Event, repr=False)

    def __enter__(self) -> Workers:
        """Start the first sandbox, to know that it works; SandboxError where it does not."""
        self.count = self.count or len(os.sched_getaffinity(0)) + 1
        self._sandboxes = [Sandbox(kind=self.kind, limits=self.limits) for _ in range(self.count)]
        self._sandboxes[0].__enter__()
        idle = deque(self._sandboxes)
        self._threads = ThreadPoolExecutor(
            self.count, "sandbox", initializer=lambda: setattr(self._own, "box", idle.popleft())
        )
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        fault: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End all programs, and the sandboxes."""
        self._stopped.set()
        if self._threads is not None:
            self._threads.shutdown(cancel_futures=True)
        for sandbox in self._sandboxes:
            sandbox.close()

    @property
    def restarts(self) -> int:
        """How often a zygote was gone and was started anew."""
        return sum(sandbox.restarts for sandbox in self._sandboxes)

    def judge(
        self, submissions: Iterable[Submission], progress: Callable[[int], object] | None = None
    ) -> Iterator[Verdict]:
        """Yield the verdicts, in the order of the submissions.

        No more submissions are taken than are judged soon. Those with the same tests should follow
        one another: among ``MOST_AT_ONCE`` of these a program that is there twice, with the same
        calls, is judged once.

        Args:
            submissions: any number.
            progress: is told, by any thread, how many more are judged.
        """
        if self._threads is None:
            raise RuntimeError("Workers are used in a with statement, which starts them")
        ahead: deque[Future[list[Verdict]]] = deque()
        try:
            for batch in _batches(submissions):
                ahead.append(self._threads.submit(self._judge_batch, batch, progress))
                if len(ahead) > 2 * self.count:
                    yield from ahead.popleft().result()
            while ahead:
                yield from ahead.popleft().result()
        finally:
            for one in ahead:
                one.cancel()

    def _judge_batch(
        self, batch: Sequence[Submission], progress: Callable[[int], object] | None
    ) -> list[Verdict]:
        sandbox: Sandbox = self._own.box
        known: dict[tuple[str, str], Verdict] = {}
        found = []
        for one in batch:
            if self._stopped.is_set():
                break
            key = one.program, repr(one.calls)
            if key not in known:
                known[key] = sandbox.judge(one.program, one.tests, one.calls)
            found.append(known[key])
            if progress is not None:
                progress(1)
        return found


def _batches(submissions: Iterable[Submission]) -> Iterator[list[Submission]]:
    """Yield those that follow one another and have the same tests, but not too many."""
    batch: list[Submission] = []
    for one in submissions:
        if batch and (len(batch) == MOST_AT_ONCE or one.tests != batch[0].tests):
            yield batch
            batch = []
        batch.append(one)
    if batch:
        yield batch
