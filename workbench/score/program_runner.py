"""Runs the programs of a block in sandboxes, one for each core, and keeps what became of them.

Each verdict is written to a journal as soon as it is there, so that a stage that was stopped runs
no program twice.
"""

from __future__ import annotations

import ast
import hashlib
import json
import os
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import ExitStack, nullcontext
from dataclasses import asdict, dataclass
from pathlib import Path
from queue import SimpleQueue
from typing import Any

from workbench.behaviour.outputs import shortened
from workbench.config.scoring_schema import Scoring
from workbench.core.console import notice, progress_bar
from workbench.sandbox.limits import Limits
from workbench.sandbox.programs import Sandbox, Tests, Verdict
from workbench.sandbox.self_test import ChosenSandbox, strongest_kind
from workbench.sandbox.zygotes import Kind, SandboxError
from workbench.score.behaviours import Calls
from workbench.storage.journal import Journal, read_entries
from workbench.tasks.code_problems import CodeProblem
from workbench.tasks.program_source import parsed

VERSION = 3
"""Raise when programs are judged in another way, so that they are run again."""
MOST_LETTERS = 20_000
"""Of the outputs of one program; of longer ones only what they hash to is kept."""
MOST_BROKEN = 20
"""Programs one after another that could not be run, at which it is given up."""


@dataclass(frozen=True)
class Job:
    """A program that is to be judged."""

    program: str
    tests: Tests
    calls: Calls

    @classmethod
    def of(cls, program: str, problem: CodeProblem, calls: Calls) -> Job:
        """Return the job of judging a problem's program."""
        tests = Tests(
            source=f"{problem.setup}\n{problem.tests}",
            entry_points=(problem.entry_point,),
            check=problem.check,
            prompt=problem.question if problem.is_signature else "",
            classes=_classes(problem),
        )
        return cls(program.rstrip() + "\n", tests, calls)

    def key(self, settings: str) -> str:
        """Return what its verdict is known by: equal just where it is judged in the same way."""
        parts = [VERSION, settings, self.program, asdict(self.tests), self.calls.spelt]
        text = json.dumps(parts, sort_keys=True)
        return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:32]


def _classes(problem: CodeProblem) -> tuple[str, ...]:
    """Return the entry point where the problem, not a program, makes it a class."""
    tree = parsed(problem.solution or problem.question)
    named = {one.name for one in tree.body if isinstance(one, ast.ClassDef)} if tree else set()
    return (problem.entry_point,) if problem.entry_point in named else ()


class ProgramRunner(ExitStack):
    """Sandboxes for the whole of a stage, which are started when the first program comes."""

    def __init__(
        self, scoring: Scoring, workers: int | None = None, *, quiet: bool = False
    ) -> None:
        """Start nothing yet; by default there is a sandbox for each core that may be used.

        A ``quiet`` one never shows how far it is.
        """
        super().__init__()
        self._quiet = quiet
        self._wanted = scoring.sandbox
        self._limits = Limits(**asdict(scoring.limits))
        self._settings = f"{scoring.sandbox} {self._limits}"
        self._workers = workers or len(os.sched_getaffinity(0))
        self._sandboxes: list[Sandbox] = []
        self._free: SimpleQueue[Sandbox] = SimpleQueue()
        self.kind: Kind | None = None
        """What keeps programs in; None as long as none was run."""
        self.why = ""
        """Why it is no stronger sandbox."""
        self.judged = self.kept = self.broken = 0
        """Programs that were run, whose verdict was there before, and that could not be run."""
        self.kinds: set[str] = set()
        """What kept those in whose verdicts were returned, now or in an earlier process."""
        self.seconds = 0.0
        """Spent in running programs."""

    def start(self) -> None:
        """Start the sandboxes, unless they are there.

        Raises:
            ValueError: none can run here, or a program gets out of it.
        """
        if self.kind is not None:
            return
        try:
            if self._wanted == "unsafe":
                choice = ChosenSandbox("unsafe", "scoring.sandbox is unsafe")
            else:
                choice = strongest_kind()
            self.kind, self.why = choice.kind, choice.why_not
            for _ in range(self._workers):
                self._sandboxes.append(self.enter_context(Sandbox(choice.kind, self._limits)))
                self._free.put(self._sandboxes[-1])
        except SandboxError as fault:
            raise ValueError(str(fault)) from fault
        if self.kind == "unsafe":
            notice("score: programs run without a sandbox (scoring.sandbox: unsafe)")
        elif self.why:
            notice(f"score: programs run in the sandbox {self.kind}: {self.why}")

    def run(
        self, jobs: Sequence[Job], journal: Path | None = None, *, quiet: bool = False
    ) -> list[Verdict]:
        """Return the verdicts on programs, in their order; equal ones are run once.

        How far it is is shown unless it is to be ``quiet``.

        Raises:
            ValueError: no sandbox can run here, or many programs one after another could not be
                run. What is in the journal is kept.
        """
        keys = [job.key(self._settings) for job in jobs]
        wanted = dict(zip(keys, jobs, strict=True))
        found: dict[str, Verdict] = {}
        for entry in read_entries(journal) if journal else ():
            if (key := entry.pop("key")) in wanted:
                self.kinds.add(entry.pop("sandbox"))
                found[key] = Verdict(**entry)
        self.kept += len(found)
        left = {key: job for key, job in wanted.items() if key not in found}
        if left:
            self.start()
            self.kinds.add(str(self.kind))
            began = time.perf_counter()
            with ExitStack() as opened:
                kept = None
                if journal:
                    journal.parent.mkdir(exist_ok=True)
                    kept = opened.enter_context(Journal(journal))
                quiet = quiet or self._quiet
                shown = nullcontext(None) if quiet else progress_bar("score", len(left), "programs")
                advance = opened.enter_context(shown)
                for key, verdict in self._judged(left):
                    found[key] = verdict
                    if kept and verdict.outcome != "infrastructure":
                        kept.add({"key": key, "sandbox": self.kind, **asdict(verdict)})
                    if advance:
                        advance(1)
            self.seconds += time.perf_counter() - began
        return [found[key] for key in keys]

    def _judged(self, jobs: dict[str, Job]) -> Iterator[tuple[str, Verdict]]:
        """Yield the verdicts as they come."""
        pool = ThreadPoolExecutor(self._workers)
        try:
            futures = {pool.submit(self._judge, job): key for key, job in jobs.items()}
            broken = 0
            for future in as_completed(futures):
                verdict = future.result()
                failed = verdict.outcome == "infrastructure"
                broken = broken + 1 if failed else 0
                self.judged += 1
                self.broken += failed
                if broken >= MOST_BROKEN:
                    raise ValueError(
                        f"{broken} programs one after another could not be run ({verdict.why}); "
                        "what is finished is kept, and the same command goes on from there"
                    )
                yield futures.pop(future), verdict
        finally:
            pool.shutdown(cancel_futures=True)

    def _judge(self, job: Job) -> Verdict:
        sandbox = self._free.get()
        try:
            return clipped(sandbox.judge(job.program, job.tests, job.calls.arguments))
        finally:
            self._free.put(sandbox)

    def facts(self) -> dict[str, Any]:
        """Return what a manifest keeps of it; nothing where no program was looked at."""
        if not self.judged + self.kept:
            return {}
        found: dict[str, Any] = {"judged": self.judged, "kept": self.kept, "broken": self.broken}
        found |= {"sandbox": sorted(self.kinds), "limits": asdict(self._limits)}
        if self.judged:
            found["why"] = self.why
            found["restarts"] = sum(sandbox.restarts for sandbox in self._sandboxes)
            found["per_second"] = self.judged / self.seconds if self.seconds else 0.0
        return found


def clipped(verdict: Verdict) -> Verdict:
    """Return a verdict whose outputs are short enough to be kept; long ones become their hash."""
    texts = [json.dumps(one) for one in verdict.answers]
    if sum(map(len, texts)) <= MOST_LETTERS:
        return verdict
    most = MOST_LETTERS // len(texts)
    answers = [
        shortened(one) if len(text) > most else one
        for text, one in zip(texts, verdict.answers, strict=True)
    ]
    return Verdict(**asdict(verdict) | {"answers": answers})
