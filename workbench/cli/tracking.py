"""The command line's part about Weights & Biases, and what a sweep's agent passes to it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from workbench.config.schema import Tracking
from workbench.tracking.wandb_run import sweep_ids


def dashboard(
    project: Annotated[str, typer.Option(help="The W&B project.")] = Tracking.project,
    entity: Annotated[
        str | None, typer.Option(help="Whose it is: a user or team. Default: who is logged in.")
    ] = None,
) -> None:
    """Save a workspace and a report of a W&B project: accuracy, diversity and tables of its runs.

    They show what the project's runs hold, at the largest k; saved anew at each call. Needs an
    account; `workbench compare` puts runs side by side without one.
    """
    from workbench.tracking.dashboard import save_dashboard

    workspace, report = save_dashboard(project, entity)
    print(f"workspace  {workspace}")
    print(f"report     {report}")


def default_folder(name: str) -> Path:
    """Return where an experiment's run goes: ``results/NAME``.

    The runs of a sweep share a name but not their settings: each has a folder of its own.
    """
    found = sweep_ids()
    return Path("results", f"{name}-{found[0]}", found[1]) if found else Path("results") / name
