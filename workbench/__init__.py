"""The workbench: does sampling more, or hotter, give more diverse answers, and does it pay?

>>> import workbench as wb
>>> run = wb.load_run("results/reference")
>>> run.table("statuses")[["temperature", "samples"]].to_numpy().tolist()
[[0.0, 30.0], [0.3, 480.0], [0.7, 480.0], [1.0, 480.0]]
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from workbench.core.version import __version__

if TYPE_CHECKING:
    from pathlib import Path

    from workbench.saved_run import Run

__all__ = ["__version__", "load_run"]


def load_run(root: str | Path) -> Run:
    """Open a run's folder, with ``run.plot`` and its look in a notebook from the analysis.

    Raises:
        ValueError: the folder is not a run.
    """
    import workbench.analysis.figures  # registers ``plot``
    import workbench.analysis.notebook  # noqa: F401  # registers what runs and pools look like
    from workbench.saved_run import Run

    return Run(root)
