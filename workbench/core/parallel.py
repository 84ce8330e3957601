"""The same work over many tasks, in this process or in several: results come in the same order.

Workers are started afresh ("spawn"), never forked off this process, which may hold a model and
threads. They get small tasks and read what they need themselves, and they write nothing: this
process alone does, so that stopping it, or any of them, leaves no half of anything.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections import deque
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import resource_tracker
from typing import TypeVar

from pebble import ProcessExpired, ProcessPool

Task = TypeVar("Task")
Result = TypeVar("Result")

LOST = (ProcessExpired, BrokenProcessPool)
"""How it shows that a worker is gone: at work, or waiting for work."""
AHEAD = 2
"""Tasks handed out per worker before the oldest is done: results that wait for it stay few."""


def spread(
    work: Callable[[Task], Result], tasks: Sequence[Task], workers: int
) -> Generator[Result]:
    """Yield the result of each task, in their order, whatever the number of workers.

    Close the iterator to end the workers at once, whatever they are doing.

    Args:
        work: what is done with a task; for several workers it can be pickled.
        tasks: what is to be done; no more workers are started than there are tasks.
        workers: processes; with 1 the work is done in this one.

    Raises:
        ValueError: a worker was ended from outside, or cannot be started.
    """
    workers = min(workers, len(tasks))
    if workers <= 1:
        yield from map(work, tasks)
        return
    pool = ProcessPool(workers, initializer=_settle, context=multiprocessing.get_context("spawn"))
    try:
        # In a thread, and waited for: a signal's exception is raised in the main one, and would
        # leave a process half started, which then prints a traceback.
        with ThreadPoolExecutor(1) as starter:
            starter.submit(_start, pool).result()
        futures: deque[Future[Result]] = deque()
        for task in tasks:
            futures.append(_handed_out(pool, work, task))
            if len(futures) == AHEAD * workers:
                yield _result(futures.popleft())
        while futures:
            yield _result(futures.popleft())
    finally:
        pool.stop()  # type: ignore[no-untyped-call]
        pool.join()


def _start(pool: ProcessPool) -> None:
    """Start the workers, and wait until one answers."""
    # Ctrl-C goes to all processes of a terminal. A worker's mask is that of the thread which starts
    # it, so it is deaf to that from its first moment on; this process ends it.
    resource_tracker.ensure_running()  # before, as it lets these signals through again
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    _ = pool.active
    try:
        pool.schedule(os.getpid).result()
    except LOST as fault:
        raise ValueError(
            f"cannot start worker processes ({fault}); a script that runs stages itself must do so "
            'under `if __name__ == "__main__":`'
        ) from fault


def _settle() -> None:
    """Make a new worker easy to end, also in the middle of C code."""
    signal.signal(signal.SIGTERM, signal.SIG_DFL)


def _handed_out(pool: ProcessPool, work: Callable[[Task], Result], task: Task) -> Future[Result]:
    try:
        return pool.schedule(work, args=(task,))
    except RuntimeError as fault:  # the pool broke in the meantime
        raise _ended(fault) from fault


def _result(future: Future[Result]) -> Result:
    try:
        return future.result()
    except LOST as fault:
        raise _ended(fault) from fault


def _ended(fault: Exception) -> ValueError:
    return ValueError(
        f"a worker process was ended from outside ({fault}): perhaps memory ran short; run the "
        "same command with fewer --workers. What is finished is kept"
    )
