"""The command ``dashboard``, and where a run that belongs to a W&B sweep goes."""

from pathlib import Path
from typing import Annotated

from typer import Option


def dashboard(
    project: Annotated[
        str, Option(metavar="PROJECT", help="The name of the project in W&B.")
    ] = "workbench",
    entity: Annotated[
        str | None,
        Option(
            metavar="ENTITY",
            help="The user or team that owns the project.",
            show_default="who is logged in",
        ),
    ] = None,
) -> None:
    """Save a workspace and a report of a W&B project.

    They show accuracy, diversity and tables of the project's runs at the largest k. Each call saves
    them anew. This needs an account; `workbench compare` puts runs side by side without one.
    """
    from workbench.tracking.dashboard import save_dashboard

    workspace, report = save_dashboard(project, entity)
    print(f"workspace  {workspace}")
    print(f"report     {report}")


def default_folder(name: str) -> Path:
    """Return where an experiment's run goes: ``results/NAME``.

    The runs of a sweep share a name but not their settings: each has a folder of its own.
    """
    from workbench.tracking.wandb_environment import sweep_ids

    found = sweep_ids()
    return Path("results", f"{name}-{found[0]}", found[1]) if found else Path("results") / name
