"""What a stage works on: a run's folder, its manifest, and how its samples are drawn."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Self

from workbench.config.conditions import conditions_of, pool_sizes
from workbench.config.schema import Experiment, Generation, TaskSettings
from workbench.core.conditions import Condition, in_order
from workbench.core.types import Known
from workbench.storage.manifest import Manifest
from workbench.storage.run_folder import Folder


@dataclass(frozen=True, eq=False)
class OpenRun(Folder):
    """A run's folder, opened once by the process that works on it and handed to every stage.

    The settings of a stage are its own argument; the run knows of what all stages go back to, its
    samples.
    """

    manifest: Manifest
    task: TaskSettings
    """Which problems the samples answer, and how they were asked."""
    generation: Generation
    """How the samples are drawn, and how many."""

    def __repr__(self) -> str:
        """Name the folder, the task and the model."""
        return f"OpenRun({str(self.root)!r}: {self.task.name}, {self.generation.model})"

    @classmethod
    def of(cls, root: Path, experiment: Experiment) -> Self:
        """Open a folder for an experiment; raise ValueError if its manifest is damaged."""
        manifest = Manifest(Folder(root).manifest_path)
        return cls(root, manifest, experiment.task, experiment.generation)

    @property
    def conditions(self) -> tuple[Condition, ...]:
        """The conditions in which samples are drawn."""
        return conditions_of(self.generation)

    @property
    def condition_rank(self) -> dict[str, int]:
        """The place of each condition in the order of tables."""
        return {one.name: place for place, one in enumerate(in_order(self.conditions))}

    @property
    def pool_sizes(self) -> dict[str, int]:
        """How many samples each condition's pools are to have."""
        return pool_sizes(self.generation)

    @property
    def imported(self) -> bool:
        """Whether the samples were imported, not drawn."""
        return self.generation.backend == "import"

    def known_problems(self) -> dict[int, list[Known]]:
        """Return the problems of each block that holds samples."""
        known, size = self.read_problems(), self.manifest.data["problems_per_block"]
        return {b: known[b * size : (b + 1) * size] for b in self.blocks_with_samples()}
