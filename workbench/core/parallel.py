"""The same function over many tasks, in this process or in several; results keep the tasks' order.

Workers are started afresh ("spawn") and never forked from this process, which may hold a model and
threads. They are given small tasks, read what they need themselves and write nothing. Only this
process writes, so that stopping it or a worker leaves nothing half written.

The pool is pebble's, as in ``tasks/answer_checking.py``, which needs a time limit for each task.
joblib (loky) was tried here and not taken: its workers outlive a parent that is killed, print
tracebacks when Ctrl-C reaches them while they start, and closing its generator early warns.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections import deque
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import resource_tracker
from typing import TypeVar

from pebble import ProcessExpired, ProcessPool

from workbench.core.plugins import Plugin, load_again, loaded

Task = TypeVar("Task")
Result = TypeVar("Result")

LOST = (ProcessExpired, BrokenProcessPool)
"""Exceptions of a worker that ended during a task, or while it waited for one."""
TASKS_PER_WORKER = 2
"""Tasks handed out per worker at a time, so that few results wait for the oldest task."""
LOOK_SECONDS = 1.0
"""Between two looks at whether the pool still works, while a result is waited for."""


class WorkerPool(ProcessPool):
    """pebble's pool, which can be stopped while a worker starts without a traceback of it."""

    def _stop_pool(self) -> None:
        """End the workers first: pebble's own method first removes the locks that they open."""
        if self._pool_manager_loop is not None:  # it starts workers
            self._pool_manager_loop.join()
        self._pool_manager.worker_manager.force_stop_workers()  # type: ignore[no-untyped-call]
        super()._stop_pool()  # type: ignore[no-untyped-call]

    def require_working(self) -> None:
        """Check that tasks are still being worked on.

        A task that is handed out while the pool breaks is forgotten by pebble: its future is never
        done, so that whoever waits for one has to look here from time to time.

        Raises:
            BrokenProcessPool: they are not, as a worker was ended while it waited for a task.
        """
        if not self.active:
            raise BrokenProcessPool("a worker ended while it waited for a task")


def spread(
    work: Callable[[Task], Result], tasks: Sequence[Task], workers: int
) -> Generator[Result]:
    """Yield the result of each task, in their order, whatever the number of workers.

    Close the iterator to end the workers at once, whatever they are doing. Several workers need
    a function that can be pickled, and are no more than there are tasks; with 1 the work is done in
    this process.

    Raises:
        ValueError: a worker was ended from outside, or cannot be started.

    Example:
        >>> list(spread(abs, [-1, 2, -3], workers=1))
        [1, 2, 3]
    """
    workers = min(workers, len(tasks))
    if workers <= 1:
        yield from map(work, tasks)
        return
    context = multiprocessing.get_context("spawn")
    pool = WorkerPool(workers, initializer=_prepare_worker, initargs=(loaded(),), context=context)
    try:
        start_workers(pool)
        _wait_for_one(pool)
        futures: deque[Future[Result]] = deque()
        for task in tasks:
            futures.append(_submit(pool, work, task))
            if len(futures) == TASKS_PER_WORKER * workers:
                yield _result(pool, futures.popleft())
        while futures:
            yield _result(pool, futures.popleft())
    finally:
        pool.stop()  # type: ignore[no-untyped-call]
        pool.join()


def start_workers(pool: WorkerPool) -> None:
    """Start the workers of a pool, and what serves them, so that none of them sees Ctrl-C."""
    # A signal raises its exception in the main thread, where it could leave a worker half
    # started, which then prints a traceback. So another thread starts them.
    with ThreadPoolExecutor(1) as starter:
        starter.submit(_start, pool).result()


def _start(pool: WorkerPool) -> None:
    # Ctrl-C goes to all processes of a terminal. A worker, and a server that forks workers,
    # inherits the signal mask of the thread that starts it; this process ends it.
    resource_tracker.ensure_running()  # first, because starting it unblocks these signals
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    _ = pool.active


def _wait_for_one(pool: WorkerPool) -> None:
    """Wait until a worker answers."""
    try:
        _waited(pool, pool.schedule(os.getpid))
    except LOST as fault:
        raise ValueError(
            f"cannot start worker processes, or they were ended from outside ({fault}): a script "
            'that runs stages itself must do so under `if __name__ == "__main__":`'
        ) from fault


def _prepare_worker(plugins: Sequence[Plugin]) -> None:
    """Let SIGTERM end a new worker at once, also in the middle of C code; load its plug-ins."""
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    load_again(plugins)


def _submit(pool: WorkerPool, work: Callable[[Task], Result], task: Task) -> Future[Result]:
    try:
        return pool.schedule(work, args=(task,))
    except RuntimeError as fault:  # the pool broke in the meantime
        raise _worker_lost(fault) from fault


def _waited(pool: WorkerPool, future: Future[Result]) -> Result:
    """Return the result of a task, once it is there."""
    while not wait((future,), LOOK_SECONDS).done:
        pool.require_working()
    return future.result()


def _result(pool: WorkerPool, future: Future[Result]) -> Result:
    try:
        return _waited(pool, future)
    except LOST as fault:
        raise _worker_lost(fault) from fault


def _worker_lost(fault: Exception) -> ValueError:
    return ValueError(
        f"a worker process was ended from outside ({fault}): perhaps memory ran short; run the "
        "same command with fewer --workers. What is finished is kept"
    )
