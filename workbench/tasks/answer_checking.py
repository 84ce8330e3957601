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
import pickle
import resource
import signal
import time
from collections.abc import Generator, Sequence
from concurrent.futures import Future
from concurrent.futures.process import BrokenProcessPool
from contextlib import suppress
from dataclasses import dataclass, field
from queue import Empty, SimpleQueue

import psutil
from pebble import ProcessExpired

from workbench.core.parallel import LOOK_SECONDS, WorkerPool, start_workers
from workbench.core.plugins import Plugin, load_again, loaded
from workbench.tasks.checkers import Checker
from workbench.tasks.math_answers import Key, clustering, keys_differ

Pair = tuple[str, str]
"""(gold, answer), in their canonical spelling."""
Verdict = bool | None
"""Whether they are equal; None: the comparison took too long, or its process died."""
Question = tuple[str | None, Sequence[str | None]]
"""All of one problem: its known answer, if there is one, and the answer of each sample; all in
their canonical spelling."""
Grades = tuple[dict[str, Verdict], list[int]]
"""Each distinct answer's verdict (none without a known answer), and each sample's cluster."""


@dataclass(frozen=True, slots=True)
class Compared:
    """What a job found out."""

    verdicts: dict[Pair, Verdict] = field(default_factory=dict)
    """Without those that the keys decide."""
    keys: dict[str, Key | None] = field(default_factory=dict)
    """Of the texts that were read; without those that took too long."""
    unreadable: frozenset[str] = frozenset()
    """Those that took too long."""
    seconds: float = 0.0


Finished = SimpleQueue[tuple[Pair, bool, Future[Compared]]]
"""Jobs that ended: the pair each was for, whether for that pair alone, and what it found."""

SECONDS_PER_PAIR = 20
"""Time limit of one job. It is more than math-verify's own limits together, which come first."""
SECONDS_PER_PROBLEM = 30
"""Time that jobs may take for one problem. What is not compared by then counts as timed out: one
pool of 161 answers, many of them infinite sums, took half an hour."""
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
        self.given_up = 0
        """Comparisons that were not made because their problem had taken its time."""

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
        found, spent = Compared(), [0.0] * len(questions)
        unreadable: set[str] = set()
        graded: dict[int, Grades] = {}
        as_spelt = self._checker.as_spelt
        pair_streams = [_pairs_to_compare(*question, as_spelt) for question in questions]
        waiting: dict[Pair, list[int]] = {}
        scheduled_whole = {i for i, (_, texts) in enumerate(questions) if len({*texts, None}) < 3}
        finished: Finished = SimpleQueue()
        ready: list[tuple[int, Verdict]] = [(index, None) for index in range(len(questions))]
        ready.reverse()  # the last is taken first
        while ready or waiting:
            if not ready:
                pair, alone, future = self._next(finished)
                job = _result_of(future)
                taken = SECONDS_PER_PAIR if job is None else job.seconds
                for index in waiting[pair]:
                    spent[index] += taken
                if job is None and not alone:  # which of them was it?
                    self._schedule(pair, None, finished)
                    continue
                job = job or Compared({pair: None})
                found.verdicts.update(job.verdicts)
                found.keys.update(job.keys)
                unreadable |= job.unreadable
                ready = [(index, found.verdicts[pair]) for index in waiting.pop(pair)]
            index, verdict = ready.pop()
            try:
                while True:
                    pair = pair_streams[index].send(verdict)
                    decided, verdict = _decide(self._checker, pair, found, unreadable)
                    if not decided and spent[index] < SECONDS_PER_PROBLEM:
                        break
                    self.given_up += not decided
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

    def _next(self, finished: Finished) -> tuple[Pair, bool, Future[Compared]]:
        """Return the next comparison that is done, once there is one."""
        while True:
            with suppress(Empty):
                return finished.get(timeout=LOOK_SECONDS)
            try:
                if self._pool is not None:
                    self._pool.require_working()
            except BrokenProcessPool as fault:
                raise _no_processes(fault) from fault

    def _schedule(self, pair: Pair, question: Question | None, finished: Finished) -> None:
        """Have a worker compare a pair, and then the other pairs of a question, if one is given."""
        if self._pool is None:
            _require_picklable(self._checker)
            context = multiprocessing.get_context("forkserver")
            context.set_forkserver_preload([PRELOADED])  # two seconds, once for all workers
            self._pool = WorkerPool(
                self._workers,
                initializer=_prepare_worker,
                initargs=(loaded(),),  # a checker may be of a plug-in
                context=context,
            )
            start_workers(self._pool)  # its server imports for seconds, and must not see Ctrl-C
        arguments = (self._checker, pair, question, SECONDS_PER_PAIR)
        future = self._pool.schedule(_compare, args=arguments, timeout=SECONDS_PER_PAIR)
        future.add_done_callback(lambda done: finished.put((pair, question is None, done)))


def _pairs_to_compare(
    gold: str | None, answers: Sequence[str | None], as_spelt: bool = False
) -> Generator[Pair, Verdict, Grades]:
    """Yield the pairs to compare, one by one, and be sent their verdicts."""
    verdicts: dict[str, Verdict] = {}
    for answer in dict.fromkeys(answers):
        if gold is not None and answer is not None:  # with gold itself, not by way of a cluster
            verdicts[answer] = yield gold, answer
    return verdicts, (yield from clustering(answers, as_spelt=as_spelt))


def _decide(
    checker: Checker, pair: Pair, found: Compared, unreadable: set[str]
) -> tuple[bool, Verdict]:
    """Return whether a verdict is known or quickly found, and if so the verdict."""
    if checker.quick is None:
        if pair not in found.verdicts:
            found.verdicts[pair] = checker.equal(*pair)
        return True, found.verdicts[pair]
    if (verdict := checker.quick(*pair)) is not None:
        return True, verdict
    if pair in found.verdicts:
        return True, found.verdicts[pair]
    if not unreadable.isdisjoint(pair):
        return True, None
    one, other = map(found.keys.get, pair)
    return (True, False) if one and other and keys_differ(one, other) else (False, None)


def _require_picklable(checker: Checker) -> None:
    """Refuse a checker that cannot be sent to a worker, such as a plug-in's with a lambda."""
    try:
        pickle.dumps(checker)
    except (pickle.PicklingError, AttributeError, TypeError) as fault:
        raise ValueError(
            f"the task's checker cannot be sent to the processes that compare answers ({fault}): "
            "write each of its functions at the top level of its file, and no lambda"
        ) from fault


def _result_of(future: Future[Compared]) -> Compared | None:
    """Return what a job found, or None where it took too long or its process died."""
    fault = future.exception()
    if fault is None:
        return future.result()
    if isinstance(fault, TimeoutError | ProcessExpired | MemoryError):
        return None
    if isinstance(fault, BrokenProcessPool):
        raise _no_processes(fault) from fault
    raise fault


def _no_processes(fault: BrokenProcessPool) -> ValueError:
    return ValueError(
        "cannot start the processes that compare answers, or they were ended from outside "
        f"({fault}): perhaps memory ran short, and the same command goes on; a script that runs "
        'stages itself must do so under `if __name__ == "__main__":`'
    )


def _prepare_worker(plugins: Sequence[Plugin]) -> None:
    """Let a new worker be ended at any moment, limit its memory, and load its plug-ins."""
    signal.signal(signal.SIGTERM, signal.SIG_DFL)  # at once, also in the middle of C code
    room = psutil.Process().memory_info().vms + BYTES_PER_WORKER
    resource.setrlimit(resource.RLIMIT_AS, (room, resource.getrlimit(resource.RLIMIT_AS)[1]))
    load_again(plugins)


def _compare(checker: Checker, pair: Pair, question: Question | None, seconds: float) -> Compared:
    """Compare a pair, then other pairs of its question while there is time. Runs in a worker."""
    # If the main process is killed, nothing else would end a comparison that never ends.
    signal.setitimer(signal.ITIMER_PROF, 2 * seconds)
    start = time.monotonic()
    end = start + seconds / 5  # the rest is enough for any one pair
    found, unreadable = Compared(), set[str]()
    try:
        found.verdicts[pair] = _compare_one(checker, pair, found, unreadable)
        if question is not None:
            pairs = _pairs_to_compare(*question)
            other = next(pairs)
            while time.monotonic() < end:
                decided, verdict = _decide(checker, other, found, unreadable)
                if not decided:
                    verdict = _compare_one(checker, other, found, unreadable)
                other = pairs.send(verdict)
    except StopIteration:
        pass
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
    taken = time.monotonic() - start
    return Compared(found.verdicts, found.keys, frozenset(unreadable), taken)


def _compare_one(checker: Checker, pair: Pair, found: Compared, unreadable: set[str]) -> Verdict:
    """Compare a pair: by the keys of both texts, which are noted, or else by ``equal``."""
    for text in pair:
        if checker.key and text not in found.keys and text not in unreadable:
            try:
                found.keys[text] = checker.key(text)
            except TimeoutError:
                unreadable.add(text)
    decided, verdict = _decide(checker, pair, found, unreadable)
    if not decided:
        verdict = found.verdicts[pair] = checker.equal(*pair)
    return verdict
