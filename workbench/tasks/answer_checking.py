"""Which answers are right and which agree: slow comparisons in worker processes.

A comparison of mathematics can take seconds, hang inside C code where no alarm reaches it, or bring
its process down. It therefore runs in a worker process that can be killed: only the pair that it
was busy with is lost, and counts as timed out. A worker is given all that is asked about one
problem, and so reads each of its answers once. Where it is killed, or this takes long, the pairs
that are left are given out one by one.

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
import time
from collections.abc import Generator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from queue import SimpleQueue
from types import TracebackType

import psutil
from pebble import ProcessExpired, ProcessPool

from workbench.tasks.checkers import Checker
from workbench.tasks.math_answers import clustering

Pair = tuple[str, str]
"""(gold, answer), in their canonical spelling."""
Verdict = bool | None
"""Whether they are equal; None: the comparison took too long, or its process died."""
Question = tuple[str | None, Sequence[str | None]]
"""What is asked about a problem: the known answer, if there is one, and what each sample answers;
all in their canonical spelling."""
Finding = tuple[dict[str, Verdict], list[int]]
"""Each distinct answer's verdict (none without a known answer), and each sample's cluster."""

SECONDS_PER_PAIR = 20
"""Then a worker is killed. More than math-verify's own limits together, which come first."""
BYTES_PER_WORKER = 2 << 30
"""What a comparison may take: else it is this process that the system might end for want of it."""
PRELOADED = "workbench.tasks.math_worker"
"""Imported by the server, so that every worker has it from the start."""


class Comparer:
    """Compares answers for the whole of a stage. A context manager."""

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

    def run(self, questions: Sequence[Question]) -> list[Finding]:
        """Answer what is asked about many problems, all of them at once.

        No pair is compared twice for one problem, unless a worker died. Nothing is remembered
        afterwards, so that memory does not grow over a stage.

        Returns:
            What was found, in the order of the questions.

        Raises:
            ValueError: no worker process can be started.
        """
        verdicts: dict[Pair, Verdict] = {}
        found: dict[int, Finding] = {}
        asking = [_asking(*question) for question in questions]
        waiting: dict[Pair, list[int]] = {}
        given_out = {place for place, (_, texts) in enumerate(questions) if len({*texts, None}) < 3}
        finished: SimpleQueue[tuple[Pair, bool, Future[dict[Pair, Verdict]]]] = SimpleQueue()
        ready: list[tuple[int, Verdict]] = [(place, None) for place in range(len(questions))]
        ready.reverse()  # the last is taken first
        while ready or waiting:
            if not ready:
                pair, alone, future = finished.get()
                settled = _outcome(future)
                if settled is None and not alone:  # which of them was it?
                    self._schedule(pair, None, finished)
                    continue
                verdicts |= {pair: None} if settled is None else settled
                ready = [(place, verdicts[pair]) for place in waiting.pop(pair)]
            place, verdict = ready.pop()
            try:
                pair = asking[place].send(verdict)
                while self._is_settled(pair, verdicts):
                    pair = asking[place].send(verdicts[pair])
            except StopIteration as end:
                found[place] = end.value
                continue
            if pair not in waiting:
                # All that is asked at once, but for a single pair, or a second time.
                whole = None if place in given_out else questions[place]
                given_out.add(place)
                self._schedule(pair, whole, finished)
            waiting.setdefault(pair, []).append(place)
        return [found[place] for place in range(len(questions))]

    def _is_settled(self, pair: Pair, verdicts: dict[Pair, Verdict]) -> bool:
        """Say whether the verdict on a pair is known, now if not before."""
        if pair not in verdicts:
            if self._checker.quick is None:
                verdicts[pair] = self._checker.equal(*pair)
            elif (verdict := self._checker.quick(*pair)) is not None:
                verdicts[pair] = verdict
        return pair in verdicts

    def _schedule(
        self,
        pair: Pair,
        question: Question | None,
        finished: SimpleQueue[tuple[Pair, bool, Future[dict[Pair, Verdict]]]],
    ) -> None:
        """Have a pair compared, and then what else the question asks, if one is given."""
        if self._pool is None:
            context = multiprocessing.get_context("forkserver")
            context.set_forkserver_preload([PRELOADED])  # two seconds, once and not in each
            self._pool = ProcessPool(
                max_workers=self._workers, context=context, initializer=_settle
            )
            # In a thread, and waited for: a signal's exception is raised in the main one, and would
            # leave a process half started, which then prints a traceback.
            with ThreadPoolExecutor(1) as starter:
                starter.submit(getattr, self._pool, "active").result()
        arguments = (self._checker, pair, question, SECONDS_PER_PAIR)
        future = self._pool.schedule(_compare, args=arguments, timeout=SECONDS_PER_PAIR)
        future.add_done_callback(lambda done: finished.put((pair, question is None, done)))


def _asking(gold: str | None, answers: Sequence[str | None]) -> Generator[Pair, Verdict, Finding]:
    """Ask for one pair at a time, and be sent its verdict; correctness is against gold directly."""
    verdicts: dict[str, Verdict] = {}
    if gold is not None:
        for answer in dict.fromkeys(answers):
            if answer is not None:
                verdicts[answer] = yield gold, answer
    return verdicts, (yield from clustering(answers))


def _outcome(future: Future[dict[Pair, Verdict]]) -> dict[Pair, Verdict] | None:
    """Return a task's verdicts, or None where it took too long or its process died."""
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
    checker: Checker, pair: Pair, question: Question | None, seconds: float
) -> dict[Pair, Verdict]:
    """Compare a pair, and what else a question asks while there is time for one more, in a worker.

    A fifth of the time limit is given to that: the rest is enough for any one pair.
    """
    # If the process that started this one is killed, nobody else ends a comparison without end.
    signal.setitimer(signal.ITIMER_PROF, 2 * seconds)
    end = time.monotonic() + seconds / 5
    try:
        verdicts = {pair: checker.equal(*pair)}
        if question is not None:
            asking = _asking(*question)
            asked = next(asking)
            while time.monotonic() < end:
                if asked not in verdicts:
                    quick = checker.quick and checker.quick(*asked)
                    verdicts[asked] = checker.equal(*asked) if quick is None else quick
                asked = asking.send(verdicts[asked])
    except StopIteration:
        pass
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
    return verdicts
