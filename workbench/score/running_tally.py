"""How many samples of a run are there and right so far, counted while they are drawn.

A sample is known by its key and held as one byte, whatever files it comes from and however often.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from workbench.config.conditions import ordered_conditions
from workbench.core.types import Ints, Known
from workbench.score.grading import grade
from workbench.storage.new_samples import NewSamples, Stamp, stamp_of, texts_of
from workbench.storage.open_run import OpenRun
from workbench.storage.parquet import KEY, read_table
from workbench.tasks import TASKS
from workbench.tasks.quick_comparer import QuickComparer

GRADED_AT_ONCE = 20_000
"""Most samples of finished files that one look grades; the next look goes on."""
MOST_UNDECIDED = 0.05
"""Share of the samples whose answers cannot be compared at once, above which there is no accuracy
before the stage ``score``: they are rarely right as often as the others."""

ABSENT, DRAWN, WRONG, RIGHT, UNKNOWN, FAILED = range(6)
"""What is known of a sample. ``DRAWN`` is one that is not graded yet, ``FAILED`` an error row."""


@dataclass(frozen=True, eq=False)
class Counted:
    """What a look counted: arrays over problems, in the order of their names, and conditions."""

    drawn: Ints
    known: Ints
    """Samples of known correctness."""
    right: Ints
    ungraded: int
    """Samples that are not graded yet."""
    failed: int
    """Error rows."""
    unknown: int
    """Samples that were graded and whose correctness is not known."""
    scored: bool
    """Whether all verdicts are those of the stage ``score``."""


class RunningTally:
    """Counts the samples of a run, look by look; each file is read once."""

    def __init__(self, run: OpenRun, known: Sequence[Known]) -> None:
        """Count nothing yet.

        Args:
            run: the run, of which nothing is written.
            known: its problems, in the order of their places.
        """
        self.run = run
        self.conditions = ordered_conditions(run.generation)
        names = sorted(item.problem.id for item in known)
        self.problems = {name: place for place, name in enumerate(names)}
        self._known = {item.problem.id: item for item in known}
        self._rank = {one.name: place for place, one in enumerate(self.conditions)}
        shape = len(names), len(self.conditions), max((c.n for c in self.conditions), default=0)
        self.states: NDArray[np.uint8] = np.zeros(shape, np.uint8)
        self.tokens: Ints = np.zeros(len(self.conditions), np.int64)
        self._asked = np.zeros(shape[1:], bool)
        for place, one in enumerate(self.conditions):
            self._asked[place, : one.n] = True
        self._new = NewSamples(run)
        self._scored: dict[int, Stamp] = {}
        self._to_grade: dict[int, None] = {}

    @cached_property
    def why_not_graded(self) -> str:
        """Why nothing is graded before the stage ``score``; empty where it is."""
        if self.run.imported:
            return "the samples were imported"
        if self.run.task.name not in TASKS:
            return f"the task {self.run.task.name!r} is a plug-in's, which is not loaded here"
        if TASKS[self.run.task.name].programs:
            return "programs are run by the stage score"
        if all(item.problem.gold is None for item in self._known.values()):
            return "no problem has a known answer"
        return ""

    @cached_property
    def _comparer(self) -> QuickComparer:
        task = self.run.task
        return QuickComparer(TASKS[task.name].checker(task))

    def look(self) -> list[str]:
        """Count what is new; return what could not be read, in words."""
        faults: list[str] = []
        if not self.states.size:  # no problem is known yet, or nobody knows how many were imported
            return faults
        for block in self._blocks():
            try:
                for rows in self._new.look(block):
                    places = self._mark(rows)
                    if "completion" in rows.schema.names:
                        self._grade(rows, places)
                    else:
                        self._to_grade[block] = None
                self._take_scores(block)
            except ValueError as fault:
                faults.append(str(fault))
        left = GRADED_AT_ONCE
        for block in list(self._to_grade) if not self.why_not_graded else ():
            if left <= 0:
                break
            try:
                left -= self._grade_files(block)
                self._to_grade.pop(block)
            except ValueError as fault:
                faults.append(str(fault))
        return list(dict.fromkeys(faults))

    def counted(self) -> Counted:
        """Return what is counted so far."""
        states = np.where(self._asked, self.states, ABSENT)
        right, wrong = states == RIGHT, states == WRONG
        return Counted(
            drawn=(states != ABSENT).sum(axis=2),
            known=(right | wrong).sum(axis=2),
            right=right.sum(axis=2),
            ungraded=int((states == DRAWN).sum()),
            failed=int((states == FAILED).sum()),
            unknown=int((states == UNKNOWN).sum()),
            scored=bool(self._scored) and self._scored.keys() >= {*self._blocks()},
        )

    def _blocks(self) -> list[int]:
        return list(self.run.blocks_with_samples())

    def _places(self, rows: pa.Table) -> Ints:
        """Return (rows, 3) places in ``states``, -1 in all of them where it has none."""
        columns = (rows[name].to_pylist() for name in KEY)
        most = self.states.shape[2]
        found = [
            (self.problems.get(problem, -1), self._rank.get(condition, -1), index)
            for problem, condition, index in zip(*columns, strict=True)
        ]
        places = np.array(found, np.int64).reshape(-1, 3)
        places[(places.min(axis=1) < 0) | (places[:, 2] >= most)] = -1
        return places

    def _mark(self, rows: pa.Table) -> Ints:
        """Count samples that were not there before, or as error rows only; return their places."""
        places = self._places(rows)
        failed = np.array([reason == "error" for reason in rows["stop_reason"].to_pylist()], bool)
        tokens = np.array([count or 0 for count in rows["num_output_tokens"].to_pylist()], np.int64)
        for state, rows_of in ((FAILED, failed), (DRAWN, ~failed)):
            chosen, first = np.unique(places[rows_of], axis=0, return_index=True)
            before = self.states[tuple(chosen.T)]
            new = (chosen[:, 0] >= 0) & (
                (before == ABSENT) | ((before == FAILED) & (state == DRAWN))
            )
            self.states[tuple(chosen[new].T)] = state
            counted = new & self._asked[chosen[:, 1], chosen[:, 2]]
            np.add.at(self.tokens, chosen[counted, 1], tokens[rows_of][first[counted]])
        return places

    def _grade(self, rows: pa.Table, places: Ints) -> int:
        """Grade those rows that are not graded; return how many these are."""
        if self.why_not_graded:
            return 0
        wanted = (places[:, 0] >= 0) & (self.states[tuple(places.T)] == DRAWN)
        if not wanted.any():
            return 0
        chosen = rows.filter(pa.array(wanted))
        graded = grade(chosen, self._known, self.run.task, None, self._comparer)
        code = {True: RIGHT, False: WRONG, None: UNKNOWN}
        verdicts = np.array([code[one] for one in graded.correct], np.uint8)
        self.states[tuple(places[wanted].T)] = verdicts
        return int(wanted.sum())

    def _grade_files(self, block: int) -> int:
        return sum(self._grade(rows, self._places(rows)) for rows in texts_of(self.run, block))

    def _take_scores(self, block: int) -> None:
        """Take the verdicts of the stage ``score``, where it has seen all samples of a block."""
        path = self.run.block_path("scores", block)
        with suppress(FileNotFoundError):
            stamp = stamp_of(path)
            parts = [stamp_of(part) for part in self.run.parts(block)]
            fresh = bool(parts) and stamp[0] >= max(parts)[0]
            if not fresh or self._scored.get(block) == stamp:
                return
            rows = read_table(path, (*KEY, "is_correct"))
            places = self._places(rows)
            inside = places[:, 0] >= 0
            code = {True: RIGHT, False: WRONG, None: UNKNOWN}
            verdicts = np.array([code[one] for one in rows["is_correct"].to_pylist()], np.uint8)
            known = inside & (self.states[tuple(places.T)] != ABSENT)
            known &= self.states[tuple(places.T)] != FAILED
            self.states[tuple(places[known].T)] = verdicts[known]
            self._scored[block] = stamp
