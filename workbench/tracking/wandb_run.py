"""The tracked run in Weights & Biases. Only this and the dashboard's modules import wandb.

Trouble with the tracker never fails a run: the first fault is said once, and the rest of the run
goes untracked.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import Any, Concatenate, ParamSpec, TypeVar

import pandas as pd

from workbench.core.console import notice

PATIENCE = {"WANDB_INIT_TIMEOUT": "60", "WANDB_FINISH_TIMEOUT": "600"}
"""Seconds that a server may keep a run waiting: to begin, and in all that follows until its end,
and once more at its end. The environment's own values come first. What is not uploaded by then
is on the disk, for ``wandb sync``."""
SAMPLES = "samples"
"""The kind of artifact whose files never change once they are there."""


@dataclass(frozen=True)
class ArtifactFiles:
    """Files that are one artifact."""

    name: str
    """Letters, digits, dots, dashes and underscores; versions are kept under it."""
    kind: str
    """The artifact's type, such as ``samples``."""
    files: Sequence[Path]
    metadata: Mapping[str, Any]
    """What stands beside it in W&B: signature, counts, fingerprint."""


P = ParamSpec("P")
AnyTracker = TypeVar("AnyTracker", bound="Tracker")


def harmless(
    record: Callable[Concatenate[AnyTracker, P], None],
) -> Callable[Concatenate[AnyTracker, P], None]:
    """Open the run before the first thing is recorded; a fault ends the tracking only."""

    @wraps(record)
    def attempt(self: AnyTracker, /, *args: P.args, **named: P.kwargs) -> None:
        if self.broken:
            return
        try:
            if self.run is None:
                self._open()
            if self.waited > self._patience:
                raise TimeoutError("the server answers too slowly, or no more")
            start = time.monotonic()
            record(self, *args, **named)
            self.waited += time.monotonic() - start
        except Exception as fault:  # whatever it is, hours of sampling matter more
            self._stop(fault)

    return attempt


class Tracker:
    """A run in W&B, online or in a folder that ``wandb sync`` uploads later.

    It is opened when the first thing is recorded: a run in which nothing was left to do leaves
    no empty one behind. Without options it records nothing and never opens a run.
    """

    def __init__(self, options: Mapping[str, Any] | None = None) -> None:
        """Keep what ``wandb.init`` is to be given; None: nothing is tracked."""
        for name, seconds in PATIENCE.items():
            os.environ.setdefault(name, seconds)
        self.options = dict(options or {})
        self.online = self.options.get("mode") == "online"
        """Whether there is a server."""
        self.place = ""
        """Where the tracked run can be found, for people; empty when there is none."""
        self.run: Any = None
        self.broken = options is None
        """Whether nothing more is recorded: not asked for, or after a fault."""
        self.waited = 0.0

    @harmless
    def log(self, values: Mapping[str, Any]) -> None:
        """Record values by name, as one step."""
        self.run.log(dict(values))

    @harmless
    def table(self, name: str, frame: pd.DataFrame) -> None:
        """Record a whole table, each column of one type: numbers, truth values or text."""
        import wandb

        self.run.log({f"tables/{name}": wandb.Table(dataframe=one_type_per_column(frame))})

    @harmless
    def curves(self, x: str, rows: Sequence[Mapping[str, float]]) -> None:
        """Record curves over a column ``x`` of their rows, which all runs share as an axis.

        Each curve is declared by its whole name with the dots escaped: wandb 0.31 does not match
        ``curve/*`` with a name that holds a dot, and its panels would fall back to steps.
        """
        self.run.define_metric(x, hidden=True, summary="none")
        for name in dict.fromkeys(name for row in rows for name in row if name != x):
            self.run.define_metric(name.replace(".", r"\."), step_metric=x, summary="none")
        for row in rows:
            self.run.log(dict(row))

    @harmless
    def figure(self, name: str, path: Path, page: Callable[[], str]) -> None:
        """Record a picture as ``figures/NAME``, and the interactive page as ``charts/NAME``.

        The page is made only where it is recorded. It draws with scripts from a public address, so
        that it is as small as its data; the picture shows where a browser may not fetch them.
        """
        import wandb

        chart = wandb.Html(page(), inject=False, data_is_not_path=True)
        self.run.log({f"figures/{name}": wandb.Image(str(path)), f"charts/{name}": chart})

    @harmless
    def log_artifacts(self, chain: Sequence[ArtifactFiles]) -> None:
        """Record what the run made, as artifacts; a new version is made only if files changed.

        Each bundle was made from the one before it, so that all but the last are inputs of the
        run as well as its outputs. Offline wandb cannot say that of artifacts that it has not
        uploaded: then the order stands in their metadata only.
        """
        logged = [self.run.log_artifact(_artifact(bundle)) for bundle in chain if bundle.files]
        for one in logged[:-1] if self.online else ():
            self.run.use_artifact(one.wait(timeout=round(self._patience)))

    @harmless
    def use_artifacts(self, bundles: Sequence[ArtifactFiles]) -> None:
        """Record bundles of other runs as inputs: their own versions, as the files are the same."""
        for artifact in map(_artifact, bundles):
            if self.online:
                self.run.use_artifact(artifact)
            else:  # what use_artifact does; but by that name it is refused offline
                self.run._log_artifact(artifact, is_user_created=True, use_after_commit=True)

    @harmless
    def summarize(self, values: Mapping[str, Any]) -> None:
        """Set the values that stand for the run in the table of runs."""
        self.run.summary.update(dict(values))

    def rename(self, name: str) -> None:
        """Set the name by which people know the run; its id stays."""
        if self.broken or self.options.get("name") == name:
            return
        self.options["name"] = name
        if self.run is not None:
            self._set_name(name)

    @harmless
    def _set_name(self, name: str) -> None:
        self.run.name = name

    def finish(self) -> None:
        """Close the run, if it was opened: what was recorded before a fault is kept."""
        try:
            if self.run is not None:
                self.run.finish()
        except Exception as fault:
            self._stop(fault)

    def _open(self) -> None:
        os.environ.setdefault("WANDB_SILENT", "true")  # it advertises at import and at the start
        # copies of artifacts wait here for `wandb sync`, and not in the user's home
        os.environ.setdefault("WANDB_DATA_DIR", str(Path(self.options["dir"]).resolve() / "wandb"))
        import wandb

        settings = wandb.Settings(silent=True, console="off")
        self.run = wandb.init(**self.options, settings=settings)
        self.place = str(self.run.url if self.online else Path(self.run.dir).parent)

    @property
    def _patience(self) -> float:
        return float(os.environ["WANDB_FINISH_TIMEOUT"])

    def _stop(self, fault: Exception) -> None:
        if not self.broken:
            self.broken = True
            why = (str(fault).strip().splitlines() or [type(fault).__name__])[0][:200]
            notice(f"tracking stopped: {why}; the run goes on without it")


def _artifact(bundle: ArtifactFiles) -> Any:
    """Return a W&B artifact; files are copied where a later run may change them."""
    import wandb

    artifact = wandb.Artifact(bundle.name, type=bundle.kind, metadata=dict(bundle.metadata))
    policy: Any = "immutable" if bundle.kind == SAMPLES else "mutable"
    for path in bundle.files:
        artifact.add_file(str(path), name=path.name, policy=policy, skip_cache=True)
    return artifact


def one_type_per_column(frame: pd.DataFrame) -> pd.DataFrame:
    """Return a copy in which every column is of one type, as a W&B table needs."""
    found = frame.copy()
    for name, column in frame.items():
        if pd.api.types.is_bool_dtype(column.dtype):
            found[name] = column.astype(bool)
        elif pd.api.types.is_numeric_dtype(column.dtype):
            found[name] = column.astype(float)
        else:
            found[name] = column.map(lambda value: "" if pd.isna(value) else str(value))
    return found
