"""The section ``training`` of an experiment: how a model is taught to correct its own answers."""

from collections.abc import Iterator
from contextlib import suppress
from typing import Any, Literal

from pydantic import Field
from pydantic.dataclasses import dataclass

from workbench.config.faults import Fault, Unsound
from workbench.config.setting_types import STRICT, FolderName
from workbench.config.task_schema import TaskSettings


@dataclass(frozen=True, kw_only=True, config=STRICT)
class CorrectionTraining:
    """The ``training`` section, of ``workbench train-correction``: SCoRe's two stages.

    The model, the longest answer, the texts at which one ends and the seed are those of the section
    ``generation``. Answers are drawn at temperature 1 without truncation, as the gradient is that
    of the distribution they are drawn from. Names are those of Kumar et al. (2024),
    arXiv:2409.12917.
    """

    steps_1: int = Field(default=100, ge=0)
    """Updates of Stage I, in which the second answer is rewarded and the first one stays as it is;
    0 leaves the stage out."""
    steps_2: int = Field(default=100, ge=0)
    """Updates of Stage II, in which both answers are rewarded; 0 leaves the stage out."""
    samples: int = Field(default=4, ge=2)
    """Pairs of answers drawn for a problem; each is compared with the others."""
    batch_size: int = Field(default=16, ge=2)
    """Pairs of answers in a batch, which the model reads at once: a multiple of ``samples``."""
    accumulation: int = Field(default=1, ge=1)
    """Batches whose gradients are added up for one update."""
    lr: float = Field(default=5e-5, gt=0)
    """Highest learning rate of AdamW. In each stage it rises over ``warmup`` updates and then falls
    linearly to 0."""
    warmup: int = Field(default=5, ge=0)
    """Updates over which the learning rate rises, fewer than each stage has."""
    weight_decay: float = Field(default=0.0, ge=0)
    clip: float = Field(default=1.0, gt=0)
    """Largest norm of a gradient; a longer one is shortened."""
    alpha: float = Field(default=10.0, ge=0)
    """Stage II: the weight of the bonus for a second answer that is better than the first."""
    beta_1: float = Field(default=0.01, ge=0)
    """Weight of the KL divergence from the reference: of both answers in Stage II, and of the
    second in Stage I."""
    beta_2: float = Field(default=0.1, ge=0)
    """Stage I: weight of the KL divergence of the first answer from the reference."""
    reward: Literal["binary", "partial"] = "binary"
    """1 for a right answer and 0 for a wrong one; or, where answers are programs, the share of its
    tests that one passes."""
    shuffled_rewards: bool = False
    """A control: the rewards of a batch are dealt to its answers at random, so that nothing can be
    learnt of what is right."""
    rank: int = Field(default=16, ge=0)
    """Rank of the matrices that LoRA adds to every linear layer but the last; 0 trains all
    weights."""
    precision: Literal["auto", "float32", "bfloat16", "float16"] = "auto"
    """Type of the factors in matrix products; with ``float16`` the loss is scaled. ``auto``:
    bfloat16 on a GPU that has it, else float32. Trained weights are float32."""
    reference: str | None = None
    """The model from which the KL divergence is measured, of the same vocabulary; by default the
    model as it was before the training."""
    tasks: dict[FolderName, TaskSettings] = Field(default_factory=dict)
    """Further tasks to train on beside the section ``task``, by names of your choice. The problems
    of a batch are of one task."""
    held_out: float = Field(default=0.2, gt=0, lt=1)
    """Share of each task's problems that are never trained on."""
    evaluate_every: int = Field(default=20, ge=1)
    """Updates between two evaluations on the problems held out."""
    evaluation_samples: int = Field(default=1, ge=1)
    """Pairs of answers to each of these problems in an evaluation."""
    save_every: int = Field(default=10, ge=1)
    """Updates between two checkpoints."""
    patience: int = Field(default=50, ge=1)
    """Updates in a row without any difference between the rewards of a problem's answers, after
    which the training ends, as nothing can be learnt."""

    @property
    def steps(self) -> int:
        """Updates of both stages."""
        return self.steps_1 + self.steps_2

    @property
    def problems_per_batch(self) -> int:
        """Problems in a batch."""
        return self.batch_size // self.samples


def training_faults(training: Any) -> Iterator[Fault]:
    """Refuse what is possible key by key but not together; what is faulty itself is passed over."""
    if training is None:
        return
    with suppress(Unsound):
        if training.steps_1 + training.steps_2 == 0:
            message = "both stages have no steps; set training.steps_1 or training.steps_2 above 0"
            yield Fault(("training", "steps_1"), message)
    for name, stage in (("steps_1", "I"), ("steps_2", "II")):
        with suppress(Unsound):
            steps, warmup = getattr(training, name), training.warmup
            if steps and warmup >= steps:
                message = f"the learning rate would rise for {warmup} steps, and Stage {stage} has "
                way_out = f"{steps}; set it below that, or raise training.{name}"
                yield Fault(("training", "warmup"), message + way_out)
                break
    with suppress(Unsound):
        size, samples = training.batch_size, training.samples
        if size % samples:
            message = f"a batch of {size} cannot be formed of {samples} samples to each problem; "
            yield Fault(("training", "batch_size"), message + f"set it to a multiple of {samples}")
    with suppress(Unsound):
        if "task" in training.tasks:
            message = "is the name of the experiment's own task; give this one another name"
            yield Fault(("training", "tasks", "task"), message)
