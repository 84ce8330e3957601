"""Which answers are right and which agree: slow comparisons in worker processes.

A comparison of mathematics can take seconds, hang inside C code where no alarm reaches it, or bring
its process down. It therefore runs in a worker process that can be killed: only the pair that was
being compared is lost, and counts as timed out. A worker is given all comparisons of one problem at
once, so that it parses each answer once. If it is killed, or this takes long, the remaining pairs
are compared one by one.

The pool is pebble's (LGPL-3): each job has its own time limit, and the worker of a job that exceeds
it is killed and replaced. concurrent.futures and loky can do neither (a dead worker breaks the
pool, a stuck one stays), and multiprocessing's Pool waits forever for a dead one. Workers are
started by a server process, never forked from this one, which may hold a model and threads. A
script that calls this needs ``if __name__ == "__main__":``, as with any such pool.
"""

from __future__ import annotations

import multiprocessing
import os
import resource
import signal
import time
from collections.abc import Generator, Sequence
from concurrent.futures import Future
from concurrent.futures.process import BrokenProcessPool
from queue import SimpleQueue

import psutil
from pebble import ProcessExpired

from workbench.core.parallel import WorkerPool, start_workers
from workbench.tasks.checkers import Checker
from workbench.tasks.math_answers import clustering

Pair = tuple[str, str]
"""(gold, answer), in their canonical spelling."""
Verdict = bool | None
"""Whether they are equal; None: the comparison took too long, or its process died."""
Question = tuple[str | None, Sequence[str | None]]
"""All of one problem: its known answer, if there is one, and the answer of each sample; all in
their canonical spelling."""
Grades = tuple[dict[str, Verdict], list[int]]
"""Each distinct answer's verdict (none without a known answer), and each sample's cluster."""
Finished = SimpleQueue[tuple[Pair, bool, Future[dict[Pair, Verdict]]]]
"""Jobs that ended: the pair each was for, whether for that pair alone, and its verdicts."""

SECONDS_PER_PAIR = 20
"""Time limit of one job. It is more than math-verify's own limits together, which come first."""
BYTES_PER_WORKER = 2 << 30
"""Memory limit of a worker: without one the system might kill this process when memory is short."""
PRELOADED = "workbench.tasks.math_worker"
"""Imported by the server process, so that every worker has it from the start."""


class Comparer:
    """Compares answers for the whole of a stage. A context manager."""

    def __init__(self, checker: Checker, workers: int | None = None) -> None:
        """Start nothing yet: processes are started when the first slow pair comes.

        By default there is a process for each core that this one may use; results do not depend on
        how many ``workers`` there are.
        """
        self.canonical = checker.canonical
        self._checker = checker
        self._workers = workers or len(os.sched_getaffinity(0))
        self._pool: WorkerPool | None = None

    def __enter__(self) -> Comparer:
        """Return itself."""
        return self

    def __exit__(self, *exception: object) -> None:
        """End the worker processes, whatever they are doing."""
        if self._pool is not None:
            self._pool.stop()  # type: ignore[no-untyped-call]
            self._pool.join()
            self._pool = None

    def run(self, questions: Sequence[Question]) -> list[Grades]:
        """Grade and cluster the answers of many problems, with all workers busy.

        Returns the grades in the order of the questions. No pair is compared twice for one problem,
        unless a worker died. No verdict is kept afterwards: memory does not grow over a stage.

        Raises:
            ValueError: no worker process can be started.
        """
        verdicts: dict[Pair, Verdict] = {}
        graded: dict[int, Grades] = {}
        pair_streams = [_pairs_to_compare(*question) for question in questions]
        waiting: dict[Pair, list[int]] = {}
        scheduled_whole = {i for i, (_, texts) in enumerate(questions) if len({*texts, None}) < 3}
        finished: Finished = SimpleQueue()
        ready: list[tuple[int, Verdict]] = [(index, None) for index in range(len(questions))]
        ready.reverse()  # the last is taken first
        while ready or waiting:
            if not ready:
                pair, alone, future = finished.get()
                decided = _verdicts_of(future)
                if decided is None and not alone:  # which of them was it?
                    self._schedule(pair, None, finished)
                    continue
                verdicts |= {pair: None} if decided is None else decided
                ready = [(index, verdicts[pair]) for index in waiting.pop(pair)]
            index, verdict = ready.pop()
            try:
                pair = pair_streams[index].send(verdict)
                while self._is_decided(pair, verdicts):
                    pair = pair_streams[index].send(verdicts[pair])
            except StopIteration as end:
                graded[index] = end.value
                continue
            if pair not in waiting:
                # The whole question at first; later, and where it has one pair only, a single pair.
                whole = None if index in scheduled_whole else questions[index]
                scheduled_whole.add(index)
                self._schedule(pair, whole, finished)
            waiting.setdefault(pair, []).append(index)
        return [graded[index] for index in range(len(questions))]

    def _is_decided(self, pair: Pair, verdicts: dict[Pair, Verdict]) -> bool:
        """Say whether the verdict on a pair is known, and try to decide it without a worker."""
        if pair not in verdicts:
            if self._checker.quick is None:
                verdicts[pair] = self._checker.equal(*pair)
            elif (verdict := self._checker.quick(*pair)) is not None:
                verdicts[pair] = verdict
        return pair in verdicts

    def _schedule(self, pair: Pair, question: Question | None, finished: Finished) -> None:
        """Have a worker compare a pair, and then the other pairs of a question, if one is given."""
        if self._pool is None:
            context = multiprocessing.get_context("forkserver")
            context.set_forkserver_preload([PRELOADED])  # two seconds, once for all workers
            self._pool = WorkerPool(self._workers, initializer=_prepare_worker, context=context)
            start_workers(self._pool)  # its server imports for seconds, and must not see Ctrl-C
        arguments = (self._checker, pair, question, SECONDS_PER_PAIR)
        future = self._pool.schedule(_compare, args=arguments, timeout=SECONDS_PER_PAIR)
        future.add_done_callback(lambda done: finished.put((pair, question is None, done)))


def _pairs_to_compare(
    gold: str | None, answers: Sequence[str | None]
) -> Generator[Pair, Verdict, Grades]:
    """Yield the pairs to compare, one by one, and be sent their verdicts."""
    verdicts: dict[str, Verdict] = {}
    for answer in dict.fromkeys(answers):
        if gold is not None and answer is not None:  # with gold itself, not by way of a cluster
            verdicts[answer] = yield gold, answer
    return verdicts, (yield from clustering(answers))


def _verdicts_of(future: Future[dict[Pair, Verdict]]) -> dict[Pair, Verdict] | None:
    """Return the verdicts of a job, or None where it took too long or its process died."""
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
    """Let a new worker be ended at any moment, and limit its memory."""
    signal.signal(signal.SIGTERM, signal.SIG_DFL)  # at once, also in the middle of C code
    room = psutil.Process().memory_info().vms + BYTES_PER_WORKER
    resource.setrlimit(resource.RLIMIT_AS, (room, resource.getrlimit(resource.RLIMIT_AS)[1]))


def _compare(
    checker: Checker, pair: Pair, question: Question | None, seconds: float
) -> dict[Pair, Verdict]:
    """Compare a pair, then other pairs of its question while there is time. Runs in a worker."""
    # If the main process is killed, nothing else would end a comparison that never ends.
    signal.setitimer(signal.ITIMER_PROF, 2 * seconds)
    end = time.monotonic() + seconds / 5  # the rest is enough for any one pair
    try:
        verdicts = {pair: checker.equal(*pair)}
        if question is not None:
            pairs = _pairs_to_compare(*question)
            other = next(pairs)
            while time.monotonic() < end:
                if other not in verdicts:
                    quick = checker.quick and checker.quick(*other)
                    verdicts[other] = checker.equal(*other) if quick is None else quick
                other = pairs.send(verdicts[other])
    except StopIteration:
        pass
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
    return verdicts
