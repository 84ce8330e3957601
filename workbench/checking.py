"""Many comparisons of answers: each distinct pair once, slow ones in worker processes.

A comparison of mathematics can take seconds, hang inside C code where no alarm reaches it, or bring
its process down. It therefore runs in a worker process that can be killed: only the pair that it
was busy with is lost, and counts as timed out.

The pool is pebble's (LGPL-3): each task has a time limit of its own, is known by the worker that
took it, and its worker is killed and replaced. concurrent.futures and loky can do neither (a dead
worker breaks the pool, a stuck one stays), multiprocessing's Pool waits forever for a dead one.
Workers are started by a server process, never forked off this one, which may hold a model and
threads. A script that calls this needs ``if __name__ == "__main__":``, as with any such pool.
"""

from __future__ import annotations

import multiprocessing
import os
import resource
import signal
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from queue import SimpleQueue
from types import TracebackType
from typing import TypeVar

import psutil
from pebble import ProcessExpired, ProcessPool

from workbench.tasks.compare import Checker

Pair = tuple[str, str]
"""(gold, answer), in their canonical spelling."""
Verdict = bool | None
"""Whether they are equal; None: the comparison took too long, or its process died."""
T = TypeVar("T")
Asking = Generator[Pair, Verdict, T]
"""Asks for one pair at a time, is sent its verdict, and returns a result."""

SECONDS_PER_PAIR = 20
"""Then a worker is killed. More than math-verify's own limits together, which come first."""
BYTES_PER_WORKER = 2 << 30
"""What a comparison may take: else it is this process that the system might end for want of it."""


class Comparer:
    """Compares answers for the whole of a stage; remembers every verdict. A context manager."""

    def __init__(self, checker: Checker, workers: int | None = None) -> None:
        """Start nothing yet: processes are started when the first slow pair comes.

        Args:
            checker: how answers are spelt and compared.
            workers: processes for slow comparisons; by default one for each core that this
                process may use. Results do not depend on it.
        """
        self.canonical = checker.canonical
        self._checker = checker
        self._workers = workers or len(os.sched_getaffinity(0))
        self._verdicts: dict[Pair, Verdict] = {}
        self._pool: ProcessPool | None = None

    def __enter__(self) -> Comparer:
        """Return itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End the worker processes, whatever they are doing."""
        if self._pool is not None:
            self._pool.stop()  # type: ignore[no-untyped-call]
            self._pool.join()
            self._pool = None

    def run(self, askers: Sequence[Asking[T]]) -> list[T]:
        """Answer what the askers ask, all of them at once, until each has its result.

        Each distinct pair is compared once, whoever asks for it.

        Returns:
            The askers' results, in their order.

        Raises:
            ValueError: no worker process can be started.
        """
        results: dict[int, T] = {}
        waiting: dict[Pair, list[int]] = {}
        finished: SimpleQueue[tuple[Pair, Future[Verdict]]] = SimpleQueue()
        ready: list[tuple[int, Verdict]] = [(place, None) for place in range(len(askers))]
        while ready or waiting:
            if not ready:
                pair, future = finished.get()
                self._verdicts[pair] = _outcome(future)
                ready = [(place, self._verdicts[pair]) for place in waiting.pop(pair)]
            place, verdict = ready.pop()
            try:
                pair = askers[place].send(verdict)
                while self._settled(pair):
                    pair = askers[place].send(self._verdicts[pair])
            except StopIteration as end:
                results[place] = end.value
                continue
            if pair not in waiting:
                self._schedule(pair, finished)
            waiting.setdefault(pair, []).append(place)
        return [results[place] for place in range(len(askers))]

    def _settled(self, pair: Pair) -> bool:
        """Say whether the verdict on a pair is known, now if not before."""
        if pair not in self._verdicts:
            if self._checker.quick is None:
                self._verdicts[pair] = self._checker.equal(*pair)
            elif (verdict := self._checker.quick(*pair)) is not None:
                self._verdicts[pair] = verdict
        return pair in self._verdicts

    def _schedule(self, pair: Pair, finished: SimpleQueue[tuple[Pair, Future[Verdict]]]) -> None:
        if self._pool is None:
            context = multiprocessing.get_context("forkserver")
            context.set_forkserver_preload(["math_verify"])  # a second, once and not per worker
            self._pool = ProcessPool(
                max_workers=self._workers, context=context, initializer=_settle
            )
            # In a thread, and waited for: a signal's exception is raised in the main one, and would
            # leave a process half started, which then prints a traceback.
            with ThreadPoolExecutor(1) as starter:
                starter.submit(getattr, self._pool, "active").result()
        arguments = (self._checker.equal, *pair, SECONDS_PER_PAIR)
        future = self._pool.schedule(_compare, args=arguments, timeout=SECONDS_PER_PAIR)
        future.add_done_callback(lambda done: finished.put((pair, done)))


def _outcome(future: Future[Verdict]) -> Verdict:
    fault = future.exception()
    if fault is None:
        return future.result()
    if isinstance(fault, TimeoutError | ProcessExpired | MemoryError):
        return None
    if isinstance(fault, BrokenProcessPool):
        raise ValueError(
            f"cannot start the processes that compare answers ({fault}); a script that runs "
            'stages itself must do so under `if __name__ == "__main__":`'
        ) from fault
    raise fault


def _settle() -> None:
    """Make a new worker easy to end, and limit its memory."""
    signal.signal(signal.SIGTERM, signal.SIG_DFL)  # at once, also in the middle of C code
    room = psutil.Process().memory_info().vms + BYTES_PER_WORKER
    resource.setrlimit(resource.RLIMIT_AS, (room, resource.getrlimit(resource.RLIMIT_AS)[1]))


def _compare(
    equal: Callable[[str, str], Verdict], gold: str, answer: str, seconds: float
) -> Verdict:
    """Compare one pair, in a worker."""
    # If the process that started this one is killed, nobody else ends a comparison without end.
    signal.setitimer(signal.ITIMER_PROF, 2 * seconds)
    try:
        return equal(gold, answer)
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
