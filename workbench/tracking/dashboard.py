"""The workspace and the report of a project in Weights & Biases, made from its runs.

This and ``dashboard_panels`` alone import wandb_workspaces, which takes more than a second. Only
``save_dashboard`` talks to the server; ``workspace_of`` and ``report_of`` need none.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any

import wandb
import wandb_workspaces.expr as expr
import wandb_workspaces.reports.v2.interface as wr
import wandb_workspaces.workspaces as ws

from workbench.tracking.dashboard_contents import ProjectContents, project_contents
from workbench.tracking.dashboard_panels import (
    against_factors,
    against_k,
    against_tokens,
    diversity_against_accuracy,
    points_of_runs,
)

TABLES = ("accuracy_by_k_temperature", "correlation", "partial_correlation", "bucket", "statuses")
"""The tables in which runs stand one under another; the others are on the page of each run."""
FIGURES = ("accuracy_by_k", "coverage_curve", "outcome_by_bucket")
GROUPED_BY = ("task_name", "model", "temperatures", "N")
"""The parts of a run's configuration that its signature names, beside the factors that vary."""
NEWEST = 50
"""How many runs of a project are read to find out what there is to show."""

READING = """\
Each run is one experiment; its name is its signature: task, model, temperatures, N, seed, version.
Rows of the table of runs can be grouped by any of these, which are columns of their own, and so by
each factor: min_p is 0.1 in a run that has no other, and "0,0.1" in one that compares the two.

- **pass@k**: some sample among k is right. **maj@k**: the most frequent answer is. **best@k**: the
  sample of the highest reward is. The gap between pass@k and the others is what a better selection
  could win.
- A name without a condition, such as `maj@8`, is the mean over the run's conditions, so that all
  runs have it; `maj@8/T0.7` is at one temperature, `maj@8/T1.5-min_p0.1` in one condition, and
  `maj@8/mixed` draws the k samples from all of them. Bounds of intervals are `maj@8/T0.7/low` and
  `maj@8/T0.7/high`; those of `maj@8` are `maj@8/all/low` and `maj@8/all/high`.
- Each is the exact expectation over all k-subsets. Of a selection without one there is the mean
  over the drawn subsets, such as `drawn_weighted@8`, with its sampling error in
  `drawn_weighted@8/T0.7/error`.
- `by_temperature/maj@8` stands against `temperature`, and likewise for each setting that varies
  within a run; `.../low` and `.../high` bound the 95 % interval. Where runs differ in task, model
  or a setting, lines are means over the runs that agree in it: open a group to see its runs.
- `cos_sim` and `self_bleu` **fall** as answers become more diverse, the other diversities rise. A
  `dpp` compares at equal k only, and each repeated text costs it much: `dpp_no_repeats` leaves
  subsets with a repeat out.
- Before saying that one run beats another, look at the intervals in its tables, or run
  `workbench compare RUN RUN`: it is paired by problem.
"""


def workspace_of(project: str, entity: str, found: ProjectContents) -> Any:
    """Return the workspace, a ``wandb_workspaces.workspaces.Workspace`` that is not saved yet."""
    panels = {
        "How to read this": [wr.MarkdownPanel(markdown=READING)],
        "Accuracy against temperature": against_factors(found),
        "Diversity against accuracy": diversity_against_accuracy(found),
        "Accuracy against k, a line per run": against_k(found, ["all"]),
        "Accuracy against tokens": against_tokens(found),
        "Diversity against accuracy, a point per run": points_of_runs(found, _settings(found)),
        f"Curves by {'condition' if found.factors else 'temperature'}": against_k(
            found, found.conditions
        ),
        "Tables": _tables(),
        "Figures of each run": [
            wr.MediaBrowser(title=name, media_keys=[f"{kind}/{name}"])
            for name in FIGURES
            for kind in ("charts", "figures")
        ],
    }
    sections = [
        ws.Section(name=name, panels=shown, is_open=number < 5)
        for number, (name, shown) in enumerate(panels.items())
    ]
    return ws.Workspace(
        entity=entity,
        project=project,
        name="Diversity and accuracy",
        auto_generate_panels=False,
        sections=sections,
        settings=ws.WorkspaceSettings(max_runs=50),
        runset_settings=ws.RunsetSettings(
            pinned_columns=_columns(found),
            groupby=[expr.Config(name) for name in found.grouped_by],
        ),
    )


def report_of(project: str, entity: str, found: ProjectContents) -> Any:
    """Return the report, a ``wandb_workspaces.reports.v2.Report`` that is not saved yet."""

    def grid(panels: Sequence[Any]) -> Any:
        # without a project the set of runs is the report's; with one, the server would be asked
        runs = wr.Runset(
            name="Runs",
            pinned_columns=_columns(found),
            groupby=[f"config.{name}" for name in found.grouped_by],
        )
        return wr.PanelGrid(runsets=[runs], panels=_laid_out(panels))

    return wr.Report(
        entity=entity,
        project=project,
        title="Does diversity buy accuracy",
        description=f"All runs of {project}, up to k = {found.k} samples",
        blocks=[
            wr.MarkdownBlock(READING),
            wr.H2("Accuracy against temperature"),
            grid(against_factors(found)),
            wr.H2(f"Diversity against accuracy at k = {found.k}"),
            wr.P("A point per condition, joined along the temperature."),
            grid(diversity_against_accuracy(found)),
            wr.H2("Accuracy against k"),
            grid(against_k(found, ["all"])),
            wr.H2("Accuracy against tokens"),
            grid(against_tokens(found)),
            wr.H2("Diversity against accuracy, run by run"),
            wr.P("A point per run. Colour the runs by temperatures or model in the run set below."),
            grid(points_of_runs(found, _settings(found))),
            wr.H2("Tables"),
            wr.P("The rows of every selected run; intervals are 95 % ones, the problem as unit."),
            grid(_tables()),
        ],
        width="fluid",
    )


def save_dashboard(project: str, entity: str | None) -> list[str]:
    """Save a workspace and a report of a project, and return their addresses.

    Args:
        project: its name.
        entity: the user or team that owns it; by default the user who is logged in.

    Raises:
        ValueError: nobody is logged in, the server refuses, or the project has nothing to show.
    """
    os.environ.setdefault("WANDB_SILENT", "true")
    owner = entity or "the default entity"
    try:
        api = wandb.Api(timeout=30)
        owner = str(entity or api.default_entity)
        names: set[str] = set()
        configs: list[Mapping[str, Any]] = []
        runs = api.runs(f"{owner}/{project}", order="-created_at", per_page=NEWEST, lazy=False)
        for run, _ in zip(runs, range(NEWEST), strict=False):
            names |= {*run.summary.keys(), *((run.history_keys or {}).get("keys") or {})}
            configs.append(run.config)
    except wandb.errors.UsageError as fault:
        raise ValueError(
            "nobody is logged in to Weights & Biases; run `wandb login`, or set WANDB_API_KEY to "
            "the key from https://wandb.ai/authorize (and WANDB_BASE_URL for a server of your own)"
        ) from fault
    except Exception as fault:  # the kind depends on where the server is asked
        raise _refused(owner, project, fault) from fault
    found = project_contents(names, configs)
    try:
        workspace = workspace_of(project, owner, found).save()
        report = report_of(project, owner, found).save()
    except Exception as fault:
        raise _refused(owner, project, fault) from fault
    return [str(workspace.url), str(report.url)]


def _refused(owner: str, project: str, fault: Exception) -> ValueError:
    why = (str(fault).strip().splitlines() or [type(fault).__name__])[0]
    return ValueError(
        f"W&B did not give or take what belongs to {owner}/{project}: {why}; check the names of "
        "project and entity, and that the key may write there"
    )


def _tables() -> list[Any]:
    return [wr.WeavePanelSummaryTable(table_name=f"tables/{name}") for name in TABLES]


def _laid_out(panels: Sequence[Any]) -> list[Any]:
    """Place panels in a report: tables one under another, others three in a row."""
    wide = any(isinstance(panel, wr.WeavePanelSummaryTable) for panel in panels)
    for place, panel in enumerate(panels):
        x, y = (0, 10 * place) if wide else (8 * (place % 3), 6 * (place // 3))
        panel.layout = wr.Layout(x=x, y=y, w=24 if wide else 8, h=10 if wide else 6)
    return list(panels)


def _columns(found: ProjectContents) -> list[str]:
    """Return the columns of the table of runs: settings, then the scalars at the largest k."""
    scalars = [f"{name}@{found.k}" for name in (*found.selections, *found.metrics)]
    settings = [f"config:{name}.value" for name in _settings(found)]
    return ["run:displayName", *settings, *(f"summary:{name}" for name in scalars)]


def _settings(found: ProjectContents) -> list[str]:
    return [*GROUPED_BY, *found.factors]
