"""Which answers are right and which agree: slow comparisons in worker processes.

Comparing two mathematical answers can take seconds, hang inside C code where no alarm reaches it,
or crash its process. So it runs in a worker process that can be killed: only the pair that was
being compared is lost, and counts as timed out. A worker gets all questions about one problem at
once, and so parses each of its answers once. If the worker is killed, or the problem takes long,
the remaining pairs are handed out one by one.

The pool is pebble's (LGPL-3), for its time limit per task: it knows which worker took a task, and
kills and replaces that worker. In concurrent.futures and loky a dead worker breaks the pool and a
stuck one stays; multiprocessing's Pool waits forever for a dead one. ``core/parallel.py`` has a
pool of its own, whose workers start afresh and whose tasks have no time limit.
Here a server process starts the workers; they are never forked from this process, which may hold a
model and threads. A script that calls this needs ``if __name__ == "__main__":``, as for any pool.
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
"""(known answer, answer) in their canonical spelling."""
Verdict = bool | None
"""Whether they are equal; None: the comparison took too long, or its process died."""
Question = tuple[str | None, Sequence[str | None]]
"""The known answer of a problem, if there is one, and the answer of each sample, if it has one; all
in their canonical spelling."""
Finding = tuple[dict[str, Verdict], list[int]]
"""The verdict on each distinct answer (empty without a known answer), and each sample's cluster."""

SECONDS_PER_PAIR = 20
"""When a worker is killed. Longer than all of math-verify's own time limits, which act first."""
BYTES_PER_WORKER = 2 << 30
"""Memory of one comparison. Without a limit the system might kill this process instead."""
PRELOADED = "workbench.tasks.math_worker"
"""Imported once by the server, so that no worker has to import it."""


class Comparer:
    """A context manager that compares answers during a whole stage."""

    def __init__(self, checker: Checker, workers: int | None = None) -> None:
        """Keep the settings; processes are started only when the first slow pair comes.

        Args:
            checker: how answers are spelt and compared.
            workers: number of processes for slow comparisons; by default one for each core that
                this process may use. Results do not depend on it.
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
        """Find which answers are right and which agree, for many problems at once.

        No pair is compared twice for one problem, unless a worker died. Nothing is kept for the
        next call, so that memory does not grow during a stage.

        Returns:
            The findings, in the order of the questions.

        Raises:
            ValueError: no worker process can be started.
        """
        verdicts: dict[Pair, Verdict] = {}
        findings: dict[int, Finding] = {}
        asking = [_asking(*question) for question in questions]
        waiting: dict[Pair, list[int]] = {}
        handed_out = {
            index for index, (_, texts) in enumerate(questions) if len({*texts, None}) < 3
        }
        finished: SimpleQueue[tuple[Pair, bool, Future[dict[Pair, Verdict]]]] = SimpleQueue()
        ready: list[tuple[int, Verdict]] = [(index, None) for index in range(len(questions))]
        ready.reverse()  # because the last one is taken first
        while ready or waiting:
            if not ready:
                pair, alone, future = finished.get()
                settled = _outcome(future)
                if settled is None and not alone:  # perhaps another pair of the problem
                    self._schedule(pair, None, finished)
                    continue
                verdicts |= {pair: None} if settled is None else settled
                ready = [(index, verdicts[pair]) for index in waiting.pop(pair)]
            index, verdict = ready.pop()
            try:
                pair = asking[index].send(verdict)
                while self._is_settled(pair, verdicts):
                    pair = asking[index].send(verdicts[pair])
            except StopIteration as end:
                findings[index] = end.value
                continue
            if pair not in waiting:
                # The whole problem the first time, unless it has a single pair.
                whole = None if index in handed_out else questions[index]
                handed_out.add(index)
                self._schedule(pair, whole, finished)
            waiting.setdefault(pair, []).append(index)
        return [findings[index] for index in range(len(questions))]

    def _is_settled(self, pair: Pair, verdicts: dict[Pair, Verdict]) -> bool:
        """Say whether the verdict on a pair is known; find it here if no worker is needed."""
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
        """Have a worker compare a pair, and then the other pairs of a question if one is given."""
        if self._pool is None:
            context = multiprocessing.get_context("forkserver")
            context.set_forkserver_preload([PRELOADED])  # takes two seconds
            self._pool = ProcessPool(
                max_workers=self._workers, context=context, initializer=_prepare_worker
            )
            # A signal raises its exception in the main thread, where it could leave a worker half
            # started, which then prints a traceback. So another thread starts them.
            with ThreadPoolExecutor(1) as starter:
                starter.submit(getattr, self._pool, "active").result()
        arguments = (self._checker, pair, question, SECONDS_PER_PAIR)
        future = self._pool.schedule(_compare, args=arguments, timeout=SECONDS_PER_PAIR)
        future.add_done_callback(lambda done: finished.put((pair, question is None, done)))


def _asking(gold: str | None, answers: Sequence[str | None]) -> Generator[Pair, Verdict, Finding]:
    """Yield the pairs to compare, one at a time, and be sent the verdict on each."""
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


def _prepare_worker() -> None:
    """Let SIGTERM end a new worker at once, and limit its memory."""
    signal.signal(signal.SIGTERM, signal.SIG_DFL)  # also in the middle of C code
    limit = psutil.Process().memory_info().vms + BYTES_PER_WORKER
    resource.setrlimit(resource.RLIMIT_AS, (limit, resource.getrlimit(resource.RLIMIT_AS)[1]))


def _compare(
    checker: Checker, pair: Pair, question: Question | None, seconds: float
) -> dict[Pair, Verdict]:
    """Compare a pair in a worker, and then the other pairs of a question while there is time.

    New comparisons begin in the first fifth of the time limit only: the rest is for the last one.
    """
    # Nothing else ends an endless comparison if the process that started this one is killed.
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
