"""Backend ``import``: samples that were imported. It draws none, and says which are missing."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Mapping
from typing import Any

from workbench.config.conditions import conditions_of
from workbench.config.schema import Generation
from workbench.core.conditions import temperature_name
from workbench.core.console import notice
from workbench.core.types import Request, Sample
from workbench.generate.drawing_settings import drawing_settings, refuse_other_settings
from workbench.storage.manifest import Manifest
from workbench.storage.open_run import OpenRun

UNSEEN = object()
"""What no temperature is."""


def sample(requests: Iterable[Request], settings: Generation) -> Generator[Sample]:
    """Raise ValueError: this backend never draws samples."""
    raise ValueError(
        "backend 'import' draws no samples; bring them in with `workbench import FILE --out FOLDER`"
    )


def check(run: OpenRun) -> None:
    """Check that all samples of an imported run are there, and print so.

    Raises:
        ValueError: they are not (the import was not finished, or a file is gone or damaged), or
            the experiment asks for samples that were never imported.
    """
    facts = run.manifest.data.get("imported")
    if facts is None or not is_complete(run.manifest, run.blocks_with_samples()):
        raise ValueError(
            f"{run.root} does not hold a whole import; run `workbench import FILE --out "
            f"{run.root}` first"
        )
    for block in run.blocks_with_samples():
        run.read_samples(block)  # all columns, so that damage is found now and not in hours
    now = drawing_settings(run.generation, run.task.thinking)
    refuse_other_settings(run.root, run.manifest.data["drawn_with"], now)
    refuse_more(run.generation, facts)
    notice(f"generate: all {facts['samples']:,} imported samples are there")


def refuse_more(settings: Generation, facts: Mapping[str, Any]) -> None:
    """Refuse an experiment that asks for samples which the imported files did not have.

    Args:
        settings: what is asked for.
        facts: the entry ``imported`` of a manifest.

    Raises:
        ValueError: a temperature or condition is missing, or ``n`` is larger than the largest pool.
    """
    held = ["null" if t is None else f"{t:g}" for t in facts["temperatures"]]
    named = {one["name"]: one["temperature"] for one in facts.get("conditions", ())}
    for one in conditions_of(settings):
        known = named if one.name != temperature_name(one.temperature) else {}
        if known.get(one.name, UNSEEN) == one.temperature:
            continue
        if one.name != temperature_name(one.temperature) and not one.greedy:
            raise ValueError(
                f"generation.conditions: there are no imported samples of {one.name!r} at this "
                f"temperature (there are: {', '.join(named) or 'none'}), and an imported run "
                "cannot draw any"
            )
        baseline = one.greedy and 0 in named.values()
        if one.temperature not in facts["temperatures"] and not baseline:
            what = "null" if one.temperature is None else f"{one.temperature:g}"
            raise ValueError(
                f"generation.temperatures: there are no imported samples at {what} (there are: "
                f"{', '.join(held)}), and an imported run cannot draw any"
            )
    if settings.n > facts["n"]:
        raise ValueError(
            f"generation.n: the largest imported pool has {facts['n']} samples, and an imported "
            f"run cannot draw more; set it to {facts['n']}, or import a file with {settings.n}"
        )


def is_complete(manifest: Manifest, held: Iterable[int]) -> bool:
    """Say whether an import was finished, and all of its blocks are among those that are held."""
    size = manifest.data.get("problems_per_block")
    facts = manifest.data.get("imported")
    if manifest.stage("generate").get("status") != "done" or not size or not facts:
        return False
    expected = range(-(-facts["problems"] // size))
    return [*held] == [*expected]
