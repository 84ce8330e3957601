"""Backend ``import``: samples that exist already. It draws none, and says when some are missing."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Mapping
from typing import Any

from workbench.config.schema import Experiment, Generation, pool_sizes
from workbench.core.console import notice
from workbench.core.types import Request, Sample
from workbench.generate.drawing_settings import drawing_settings, other_settings_message
from workbench.storage.manifest import Manifest
from workbench.storage.run_folder import Folder


def sample(requests: Iterable[Request], settings: Generation) -> Generator[Sample]:
    """Refuse.

    Raises:
        ValueError: always.
    """
    raise ValueError(
        "backend 'import' draws no samples; bring them in with `workbench import FILE --out FOLDER`"
    )


def check(folder: Folder, manifest: Manifest, experiment: Experiment) -> None:
    """Say that the samples of an imported run are all there.

    Raises:
        ValueError: they are not (the import was not finished, or a file is gone or damaged), or
            the experiment asks for samples that were never imported.
    """
    facts = manifest.data.get("imported")
    if facts is None or not whole(folder, manifest):
        raise ValueError(
            f"{folder.root} does not hold a whole import; run `workbench import FILE --out "
            f"{folder.root}` first"
        )
    for block in folder.blocks_with_samples():
        folder.read_samples(block)  # whole, so that damage is named now and not hours later
    drawn, now = manifest.data["drawn_with"], drawing_settings(experiment)
    if drawn != now:
        raise ValueError(other_settings_message(folder.root, drawn, now))
    refuse_more(experiment, facts)
    notice(f"generate: all {facts['samples']:,} imported samples are there")


def refuse_more(experiment: Experiment, facts: Mapping[str, Any]) -> None:
    """Refuse an experiment that asks for other samples than a file had.

    Args:
        experiment: its temperatures and ``n`` are looked at.
        facts: the entry ``imported`` of a manifest.

    Raises:
        ValueError: they are more than there are; imported samples cannot be drawn.
    """
    settings = experiment.generation
    held = {None if t is None else float(t) for t in facts["temperatures"]}
    other = [t for t in pool_sizes(settings) if t not in held]
    if other:
        there = ", ".join("null" if t is None else f"{t:g}" for t in facts["temperatures"])
        what = "null" if other[0] is None else f"{other[0]:g}"
        raise ValueError(
            f"generation.temperatures: there are no imported samples at {what} (there are: "
            f"{there}), and an imported run cannot draw any"
        )
    if settings.n > facts["n"]:
        raise ValueError(
            f"generation.n: the largest imported pool has {facts['n']} samples, and an imported "
            f"run cannot draw more; set it to {facts['n']}, or import a file with {settings.n}"
        )


def whole(folder: Folder, manifest: Manifest) -> bool:
    """Say whether an import was finished and every block of it is still there."""
    size = manifest.data.get("problems_per_block")
    facts = manifest.data.get("imported")
    if manifest.stage("generate").get("status") != "done" or not size or not facts:
        return False
    expected = range(-(-facts["problems"] // size))
    return list(folder.blocks_with_samples()) == list(expected)
