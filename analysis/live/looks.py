"""How a run stands at one moment, as its files tell: the stages, the samples, what they show."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from workbench.analysis.live.results import SoFar, results_so_far
from workbench.analysis.live.speed import Speed, speed_of_drawing
from workbench.analysis.stats.bootstrap import Resamples
from workbench.core.plugins import as_option
from workbench.core.types import STAGES
from workbench.saved_run import Run
from workbench.score.running_tally import MOST_UNDECIDED, RunningTally
from workbench.storage.lock import is_locked
from workbench.storage.manifest import Manifest
from workbench.storage.open_run import OpenRun
from workbench.storage.run_folder import Folder

FRESH = timedelta(seconds=15)
"""A run wrote something so lately that it goes on, although no process of this machine holds it: it
may work on another machine, or in another container."""
MADE = {"score": ("samples", "scores"), "measure": ("scores", "subsets"),
        "analyze": ("subsets", "expectations")}  # fmt: skip
"""Stage -> the table that it reads and one that it writes, block by block."""


@dataclass(frozen=True)
class StageLook:
    """How far a stage is."""

    name: str
    status: str
    """``""`` (not begun), ``running``, ``interrupted`` or ``done``, as the manifest has it."""
    done: int
    of: int
    """Samples of the first stage; blocks of the others, which are up to date once they are younger
    than what they are made of."""
    seconds: float
    """Since it began, where it is running; else what it took."""
    seconds_left: float | None = None


@dataclass(frozen=True)
class ConditionLook:
    """How far a condition is, and what it shows."""

    name: str
    drawn: int
    of: int
    so_far: SoFar | None
    """None where nothing is graded."""


@dataclass(frozen=True, kw_only=True)
class Look:
    """A run at one moment."""

    root: Path
    at: datetime
    signature: str
    going: bool
    """Whether a process works on it."""
    finished: bool
    """Whether it has ended with all stages done."""
    written: datetime | None
    """When it last wrote something."""
    command: str
    """What goes on with it, where it has ended before its end."""
    stages: Sequence[StageLook] = ()
    conditions: Sequence[ConditionLook] = ()
    tokens: int = 0
    lately: float | None = None
    """Tokens per second over the last minute; None before the second look, and after drawing."""
    lately_over: float = 0.0
    """Seconds that ``lately`` is over."""
    in_all: float | None = None
    in_all_of: str = "in all"
    """What ``in_all`` is over, in words."""
    failed: int = 0
    """Error rows."""
    notes: Sequence[str] = field(default_factory=tuple)

    @property
    def drawing(self) -> StageLook | None:
        """The first stage; None where nothing is known yet."""
        return self.stages[0] if self.stages else None

    @property
    def stage(self) -> StageLook | None:
        """The stage that is at work, or did not come to its end; None between stages."""
        begun = [one for one in self.stages if one.status in ("running", "interrupted")]
        return begun[-1] if begun else None


class Watched:
    """A run's folder that is looked at time and again. It writes nothing and holds no lock.

    It remembers which files it has read, and of the samples one byte each.
    """

    def __init__(self, root: Path) -> None:
        """Look at nothing yet.

        Raises:
            ValueError: the folder is no run, and none that is just being made.
        """
        self.root = root
        self.folder = Folder(root)
        self._begun_from: Any = None
        self._speed = Speed()
        self._require_run()

    def look(self, now: datetime | None = None) -> Look:
        """Return how the run stands.

        Raises:
            ValueError: the folder is gone, or a file of the run that says what it is, is damaged.
        """
        now = now or datetime.now(UTC)
        self._require_run()
        locked = is_locked(self.root)
        manifest = Manifest(self.folder.manifest_path).data
        entries: Mapping[str, Any] = manifest.get("stages", {})
        written = _last_written(self.root)
        done = all(entries.get(name, {}).get("status") == "done" for name in STAGES)
        stopped = any(entry.get("status") == "interrupted" for entry in entries.values())
        fresh = written is not None and now - written < FRESH
        going = bool(locked) or (fresh and not done and not stopped)
        known: dict[str, Any] = {
            "root": self.root, "at": now, "going": going, "written": written,
            "finished": done and not going, "signature": str(manifest.get("signature", "")),
        }  # fmt: skip
        if not self._open():
            return Look(**known, command=f"workbench run {self.root}")
        faults = self._tally.look()
        return Look(
            **known, **self._told(manifest, faults, now if going else written or now, going)
        )

    def _require_run(self) -> None:
        if not self.root.is_dir():
            raise ValueError(
                f"{self.root} is no folder; give that of a run, such as results/quickstart"
            )
        if not self.folder.experiment_path.exists() and not is_locked(self.root):
            raise ValueError(
                f"{self.root} is not a run: it has no experiment.yaml; give a folder that "
                "`workbench run` made or is making, such as results/quickstart"
            )

    def _open(self) -> bool:
        """Read what the run is, again where that has changed; say whether there is anything yet."""
        try:
            text = self.folder.experiment_path.read_bytes()
            asked = (self.root / "problems.jsonl").read_bytes()
        except FileNotFoundError:
            return False
        if (text, asked) != self._begun_from:
            run = Run(self.root)
            opened = OpenRun.of(self.root, run.experiment)
            self._experiment = run.experiment
            self._tally = RunningTally(opened, opened.read_problems())
            settings = run.experiment.analysis
            count = len(self._tally.problems)
            self._resamples = Resamples(count, settings.resamples, settings.seed)
            self._begun_from = text, asked
        return bool(self._tally.problems)

    def _told(
        self, manifest: Mapping[str, Any], faults: Sequence[str], now: datetime, going: bool
    ) -> dict[str, Any]:
        """Return what is known of stages and samples."""
        tally, counted = self._tally, self._tally.counted()
        entries: Mapping[str, Any] = manifest.get("stages", {})
        entry = entries.get("generate", {})
        sizes = [one.n for one in tally.conditions]
        asked = len(tally.problems)
        if sum(sizes) and "samples" in entry:  # the folder may hold problems that are not asked
            asked = entry["samples"] // sum(sizes)
        drawn = counted.drawn.sum(axis=0)
        tokens = int(tally.tokens.sum())
        self._speed.add(time.monotonic(), tokens)
        drawing = entry.get("status") == "running"
        lately = self._speed.lately if drawing and going else None
        in_all, over = speed_of_drawing(entry, tokens, now), "in all"
        if in_all is None and drawing and going and self._speed.looks[0] != self._speed.first:
            in_all, over = self._speed.since_first, "since it is watched"
        notes = [*faults]
        so_far: Sequence[SoFar | None] = [None] * len(sizes)
        if why := self._why_no_accuracy():
            notes.append(f"accuracy comes with the stage score: {why}")
        elif counted.known.any():
            confidence = self._experiment.analysis.confidence
            so_far = results_so_far(counted, self._resamples, confidence)
            if counted.ungraded:
                notes.append(f"{counted.ungraded:,} samples are not graded yet: the next looks do")
            if counted.unknown:
                notes.append(f"{counted.unknown:,} samples of unknown correctness are left out")
        conditions = [
            ConditionLook(one.name, min(int(count), asked * one.n), asked * one.n, result)
            for one, count, result in zip(tally.conditions, drawn, so_far, strict=True)
        ]
        speed = lately or in_all
        left = self._tokens_left(conditions) / speed if speed and drawing and going else None
        first = StageLook(
            "generate",
            entry.get("status", ""),
            sum(one.drawn for one in conditions) or entry.get("samples", 0) * tally.run.imported,
            sum(one.of for one in conditions) or entry.get("samples", 0),
            _seconds(entry, now),
            left,
        )
        return {
            "command": f"workbench run {self.root}{as_option(self._experiment.plugins)}",
            "stages": [first, *self._later_stages(entries, now, going)],
            "conditions": conditions,
            "tokens": tokens,
            "lately": lately,
            "lately_over": self._speed.span,
            "in_all": in_all,
            "in_all_of": over,
            "failed": counted.failed,
            "notes": notes,
        }

    def _why_no_accuracy(self) -> str:
        """Say why what is drawn so far cannot be graded; empty where it can."""
        counted = self._tally.counted()
        if counted.scored or not counted.drawn.any():
            return ""
        graded = int(counted.known.sum()) + counted.unknown
        if counted.unknown > MOST_UNDECIDED * graded and not self._tally.why_not_graded:
            share = counted.unknown / graded
            return f"{share:.0%} of the answers take longer to compare with the known ones"
        return self._tally.why_not_graded if not counted.known.any() else ""

    def _tokens_left(self, conditions: Sequence[ConditionLook]) -> float:
        """Return how many tokens are to come: by condition as many a sample as so far, or as all.

        Where a condition has no sample yet, the mean of the others is taken.
        """
        tokens = self._tally.tokens
        drawn = sum(one.drawn for one in conditions)
        mean = tokens.sum() / drawn if drawn else 0.0
        return float(
            sum(
                (one.of - one.drawn) * (count / one.drawn if one.drawn else mean)
                for one, count in zip(conditions, tokens, strict=True)
            )
        )

    def _later_stages(
        self, entries: Mapping[str, Any], now: datetime, going: bool
    ) -> Iterator[StageLook]:
        for name, (source, made) in MADE.items():
            entry = entries.get(name, {})
            inputs, outputs = _changed(self.root / source), _changed(self.root / made)
            done = sum(outputs.get(block, 0.0) >= when for block, when in inputs.items())
            seconds, left = _seconds(entry, now), None
            if going and entry.get("status") == "running":
                started = datetime.fromisoformat(entry["started"]).timestamp()
                since = sum(when >= started for when in outputs.values())
                elapsed = now.timestamp() - started
                left = elapsed / since * (len(inputs) - done) if since else None
            yield StageLook(name, entry.get("status", ""), done, len(inputs), seconds, left)


def _seconds(entry: Mapping[str, Any], now: datetime) -> float:
    before = float(entry.get("seconds", 0.0))
    if entry.get("status") != "running":
        return before
    return before + max(0.0, (now - datetime.fromisoformat(entry["started"])).total_seconds())


def _changed(folder: Path) -> dict[str, float]:
    """Return block -> when its newest file in a folder of tables was written."""
    found: dict[str, float] = {}
    for path in folder.glob("block-*.*"):
        with suppress(FileNotFoundError):
            if path.suffix != ".part":
                block = path.name[:11]
                found[block] = max(found.get(block, 0.0), path.stat().st_mtime)
    return found


def _last_written(root: Path) -> datetime | None:
    """Return when a stage last wrote something; of pages and trackers it is not asked."""
    times = [max(_changed(folder).values(), default=0.0) for folder in root.iterdir()]
    with suppress(FileNotFoundError):
        times.append((root / "manifest.json").stat().st_mtime)
    newest = max(times, default=0.0)
    return datetime.fromtimestamp(newest, UTC) if newest else None
