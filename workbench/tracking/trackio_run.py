"""The tracked run in trackio, whose page ``trackio show`` opens on this machine without an account.

The only module that imports trackio, an extra of its own. Everything goes through the door of W&B's
runs, and what trackio has no place for is left out: it is said once, when the run is opened.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping, Sequence
from contextlib import redirect_stdout
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pandas as pd

from workbench.core.console import notice
from workbench.core.version import command_for_extra
from workbench.tracking.wandb_run import (
    ArtifactFiles,
    Tracker,
    harmless,
    one_type_per_column,
)

REQUIREMENT = "trackio>=0.43"
LEFT_OUT = (
    "trackio: bounds of intervals are in the tables only, the axis of a curve is chosen in the "
    "page (X axis), and artifacts name no inputs"
)
BOUNDS = ("/low", "/high")


class TrackioRun(Tracker):
    """A run in trackio, in its folder of all projects (``TRACKIO_DIR``).

    trackio knows runs by name alone, and shows a name beneath each of its charts: it is that of the
    folder and the id that the folder keeps. The signature is in the configuration.
    """

    @harmless
    def log(self, values: Mapping[str, Any]) -> None:
        """Record values by name, as one step."""
        self.run.log(_numbers(values))

    @harmless
    def table(self, name: str, frame: pd.DataFrame) -> None:
        """Record a whole table."""
        import trackio

        if len(frame):
            rows = one_type_per_column(frame)
            self.run.log({f"tables/{name}": trackio.Table(dataframe=rows)})

    @harmless
    def curves(self, x: str, rows: Sequence[Mapping[str, float]]) -> None:
        """Record the rows of curves; their axis ``x`` is one of their values."""
        for row in rows:
            self.run.log(_numbers(row))

    @harmless
    def figure(self, name: str, path: Path, page: Callable[[], str]) -> None:
        """Record a picture as ``figures/NAME``, and the interactive page as ``charts/NAME``."""
        import trackio

        chart = trackio.Html(page(), inject=False)
        self.run.log({f"figures/{name}": trackio.Image(str(path)), f"charts/{name}": chart})

    @harmless
    def log_artifacts(self, chain: Sequence[ArtifactFiles]) -> None:
        """Record what the run made, as artifacts; equal files are kept once."""
        import trackio

        for bundle in chain:
            if bundle.files:
                metadata = dict(bundle.metadata)
                made = trackio.Artifact(bundle.name, type=bundle.kind, metadata=metadata)
                for path in bundle.files:
                    made.add_file(path, name=path.name)
                self.run.log_artifact(made)

    def use_artifacts(self, bundles: Sequence[ArtifactFiles]) -> None:
        """Do nothing: trackio takes no files of other runs as inputs."""

    @harmless
    def summarize(self, values: Mapping[str, Any]) -> None:
        """Record the values that stand for the run as a table, and means over it as metrics."""
        import trackio

        rows = [{"name": name, "value": str(value)} for name, value in values.items()]
        means = {name: value for name, value in _numbers(values).items() if "/" not in name}
        self.run.log({"tables/summary": trackio.Table(dataframe=pd.DataFrame(rows)), **means})

    def finish(self) -> None:
        """Close the run, if it was opened."""
        try:
            with redirect_stdout(io.StringIO()):
                if self.run is not None:
                    import trackio

                    trackio.finish()  # and not the run's own, which is finished again at exit
        except Exception as fault:
            self._stop(fault)

    def _open(self) -> None:
        if find_spec("trackio") is None:
            command = command_for_extra("trackio", f"'{REQUIREMENT}'")
            raise ModuleNotFoundError(f"trackio is not installed; {command} installs it")
        with redirect_stdout(io.StringIO()):  # it greets
            import trackio

            self._give_name()
            self.run = trackio.init(
                project=self.options["project"],
                name=self._name,
                group=self.options["group"],
                config={**self.options["config"], "signature": self.options["name"]},
                resume="allow",
                embed=False,
                auto_log_cpu=False,
                auto_log_gpu=False,
            )
        self.place = f"trackio show --project {self.options['project']}"
        notice(LEFT_OUT)

    @property
    def _name(self) -> str:
        return f"{Path(self.options['dir']).resolve().name} {self.options['id']}"

    def _set_name(self, name: str) -> None:
        """Do nothing: the signature is no part of the name."""

    def _give_name(self) -> None:
        """Rename the run of this folder's id, if the folder had another name."""
        import trackio

        try:
            found = trackio.Api().runs(self.options["project"])
        except ValueError:  # a project that is not there yet
            return
        for run in found:
            if run.name.endswith(f" {self.options['id']}") and run.name != self._name:
                run.rename(self._name)


def _numbers(values: Mapping[str, Any]) -> dict[str, float]:
    """Return the values that are numbers, without the bounds of intervals."""
    return {
        name: float(value)
        for name, value in values.items()
        if isinstance(value, int | float) and not name.endswith(BOUNDS)
    }
