"""Fine-tuning of a causal model to say ``+`` or ``-``: LoRA by peft, the loop by transformers.

The loss is computed at the verdict only, and between the two verdict tokens: minus the logarithm of
the probability that the reward ``orm`` gives to the truth. So the training optimises exactly the
number that is read later, on a scale on which 0.7 should mean that 7 of 10 are right. The
probabilities of other tokens are not trained.
"""

from __future__ import annotations

import gc
import json
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from peft import PeftModel
from torch.nn.functional import binary_cross_entropy_with_logits
from transformers import (
    AutoModelForCausalLM,
    GenerationConfig,
    PrinterCallback,
    Trainer,
    TrainerCallback,
    TrainerState,
    TrainingArguments,
    set_seed,
)
from transformers.trainer import TRAINER_STATE_NAME
from transformers.trainer_utils import get_last_checkpoint
from transformers.utils import logging

from workbench.core.console import notice, progress_bar
from workbench.models.lora import with_adapter
from workbench.reward_training.options import Training
from workbench.rewards.outcome_prompt import VerdictTokens

LOGS = 10
"""Lines of the curves in an epoch, each with a checkpoint."""
EVALUATE_EVERY = 5
"""Lines of the curves between two evaluations on the validation part."""
WARMUP = 0.1
"""Share of the steps in which the learning rate rises; then it falls linearly to 0."""


@dataclass(frozen=True)
class TrainingExample:
    """The tokens of a conversation up to the verdict, and whether ``+`` is the truth."""

    ids: Sequence[int]
    right: bool
    weight: float = 1.0


@dataclass(frozen=True)
class FineTuned:
    """The result of a training."""

    checkpoint: Path
    """The checkpoint with the smallest validation loss."""
    step: int
    steps: int
    device: str
    curves: list[dict[str, float]]
    """In order of ``step``: ``loss`` and ``accuracy`` on the training part since the line before,
    ``validation_loss`` and ``validation_accuracy`` where evaluated. Losses in nats."""


def tune(
    place: str,
    verdict: VerdictTokens,
    train: Sequence[TrainingExample],
    validation: Sequence[TrainingExample],
    settings: Training,
    dtype: str,
    work: Path,
    log: Callable[[dict[str, float]], None],
) -> FineTuned:
    """Train the model at ``place``, from the last complete checkpoint in ``work`` if there is one.

    The order of the examples, the initial weights of LoRA and everything else that is random follow
    from ``settings.seed``, so that an interrupted training ends with the same model as one that was
    not interrupted. The model's own weights, of ``dtype``, stay as they are; those of LoRA are
    float32. ``log`` is called with each line of the curves as it comes.

    Raises:
        ValueError: the loss is not a number, or a batch does not fit in the GPU's memory.
    """
    logging.disable_progress_bar()
    set_seed(settings.seed)
    network = AutoModelForCausalLM.from_pretrained(place, dtype=getattr(torch, dtype))
    network.config.use_cache = False
    model = with_adapter(network, settings.rank)
    arguments = _arguments(len(train), settings, dtype, work)
    trainer = VerdictTrainer(
        model=model,
        args=arguments,
        verdict=verdict,
        train_dataset=train,
        eval_dataset=validation,
        data_collator=collate,
        compute_metrics=_accuracy,
    )
    trainer.remove_callback(PrinterCallback)
    if last := _last_checkpoint(work):
        trainer.state = TrainerState.load_from_json(str(last / TRAINER_STATE_NAME))
        notice(f"train: goes on from step {trainer.state.global_step:,} of {arguments.max_steps:,}")
    done = trainer.state.global_step
    try:
        if done < arguments.max_steps:
            with progress_bar("train", arguments.max_steps, "steps", done) as advance:
                trainer.add_callback(ProgressCallback(advance, log))
                logging.set_verbosity_error()  # it warns about the clock of the disk
                trainer.train(resume_from_checkpoint=str(last) if last else None)
    except torch.OutOfMemoryError as fault:
        raise ValueError(
            f"a batch of {settings.batch_size} does not fit in the GPU's memory "
            f"({str(fault).splitlines()[0][:120]}); lower --batch-size or --max-model-len"
        ) from fault
    state = trainer.state
    if state.best_global_step is None:
        raise ValueError(
            "the validation loss is no number: the training ran away; lower --lr, or give "
            "--dtype float32, with another --out"
        )
    step, lines = int(state.best_global_step), curves(state.log_history)
    del trainer, model, network
    gc.collect()
    torch.cuda.empty_cache()
    checkpoint = work / f"checkpoint-{step}"
    return FineTuned(checkpoint, step, state.global_step, str(arguments.device), lines)


def merge(place: str, checkpoint: Path, dtype: str, target: Path) -> None:
    """Write the model with a checkpoint's LoRA weights added to its own, as a folder of ``dtype``.

    Raises:
        ValueError: a weight is no number.
    """
    network = AutoModelForCausalLM.from_pretrained(place, dtype=getattr(torch, dtype))
    merged = PeftModel.from_pretrained(network, checkpoint).merge_and_unload(safe_merge=True)
    # it generates nothing, and the settings of some models do not pass the check in saving
    merged.generation_config = GenerationConfig.from_model_config(merged.config)
    shutil.rmtree(target, ignore_errors=True)  # of a process that was killed
    merged.save_pretrained(target)


class VerdictTrainer(Trainer):  # type: ignore[misc, unused-ignore]
    """The library's trainer with the loss at the verdict, and the accuracy among its logs."""

    def __init__(self, verdict: VerdictTokens, **options: Any) -> None:
        """Train for two tokens; the options are those of the library's trainer."""
        super().__init__(**options)
        self.verdict = verdict
        self.hits: list[torch.Tensor] = []

    def compute_loss(
        self, model: Any, inputs: dict[str, Any], return_outputs: bool = False, **unused: Any
    ) -> Any:
        """Return the mean loss of a batch, nats, and on request the log odds of ``+``, (rows,)."""
        right = inputs["right"]
        read = {name: inputs[name] for name in ("input_ids", "attention_mask", "position_ids")}
        logits = model(**read, logits_to_keep=1).logits[:, -1].float()  # (rows, vocabulary)
        odds = logits[:, self.verdict.plus] - logits[:, self.verdict.minus]
        loss = binary_cross_entropy_with_logits(odds, right, weight=inputs["weight"])
        if model.training:
            self.hits.append(((odds.detach() > 0) == (right > 0)).float())
        return (loss, {"odds": odds}) if return_outputs else loss

    def log(self, logs: dict[str, float], *more: Any) -> None:
        """Add the accuracy on the examples since the last line."""
        if "loss" in logs:
            logs["accuracy"] = float(torch.cat(self.hits).mean())
            self.hits.clear()
        super().log(logs, *more)


class ProgressCallback(TrainerCallback):  # type: ignore[misc, unused-ignore]
    """Moves the progress bar and reports the lines of the curves."""

    def __init__(
        self, advance: Callable[[int], None], log: Callable[[dict[str, float]], None]
    ) -> None:
        """Call ``advance`` for each step and ``log`` for each line."""
        self.advance, self.report = advance, log

    def on_step_end(self, args: Any, state: Any, control: Any, **unused: Any) -> None:
        """Count a step; the last step always ends with a line of the curves."""
        self.advance(1)
        if state.global_step >= state.max_steps:
            control.should_log = True

    def on_log(self, args: Any, state: Any, control: Any, **unused: Any) -> None:
        """Report what was logged."""
        for line in curves(state.log_history[-1:]):
            self.report(line)


def collate(batch: Sequence[TrainingExample]) -> dict[str, torch.Tensor]:
    """Return a batch padded on the left, so that every verdict is predicted at the last place."""
    longest = max(len(item.ids) for item in batch)
    ids = torch.zeros((len(batch), longest), dtype=torch.long)
    mask = torch.zeros_like(ids)
    for row, item in enumerate(batch):
        ids[row, longest - len(item.ids) :] = torch.tensor(item.ids)
        mask[row, longest - len(item.ids) :] = 1
    return {
        "input_ids": ids,
        "attention_mask": mask,
        "position_ids": (mask.cumsum(dim=1) - 1).clamp_min(0),
        "right": torch.tensor([float(item.right) for item in batch]),
        "weight": torch.tensor([item.weight for item in batch]),
    }


def curves(history: Sequence[dict[str, float]]) -> list[dict[str, float]]:
    """Return the trainer's log as one line per step, with the names and values of the curves only.

    >>> curves([{"step": 2, "epoch": 0.5, "loss": 0.25, "grad_norm": 1.0}])
    [{'step': 2, 'epoch': 0.5, 'loss': 0.25}]
    """
    names = ("loss", "accuracy", "learning_rate", "eval_loss", "eval_accuracy")
    lines: dict[int, dict[str, float]] = {}
    for entry in history:
        found = {n.replace("eval", "validation"): float(entry[n]) for n in names if n in entry}
        if found:
            line = lines.setdefault(int(entry["step"]), {"step": int(entry["step"])})
            line |= {"epoch": float(entry["epoch"])} | found
    return [lines[step] for step in sorted(lines)]


def _arguments(examples: int, settings: Training, dtype: str, work: Path) -> TrainingArguments:
    per_epoch = -(-examples // settings.batch_size)
    steps = settings.max_steps or round(settings.epochs * per_epoch)
    every = max(1, min(per_epoch, steps) // LOGS)
    on_gpu = torch.cuda.is_available()
    recompute = on_gpu if settings.recompute is None else settings.recompute
    arguments = TrainingArguments(
        output_dir=str(work),
        max_steps=max(1, steps),
        per_device_train_batch_size=settings.batch_size,
        per_device_eval_batch_size=settings.batch_size,
        learning_rate=settings.lr,
        warmup_steps=WARMUP,  # a share of the steps
        seed=settings.seed,
        bf16=on_gpu and dtype == "bfloat16",
        gradient_checkpointing=recompute,
        gradient_checkpointing_kwargs={"use_reentrant": False},
        logging_steps=every,
        logging_nan_inf_filter=False,
        save_steps=every,
        save_total_limit=2,  # the newest and the best; with 1 the trainer would drop the newest
        eval_strategy="steps",
        eval_steps=every * EVALUATE_EVERY,
        metric_for_best_model="loss",
        label_names=["right"],
        remove_unused_columns=False,
        dataloader_pin_memory=on_gpu,
        disable_tqdm=True,
        report_to="none",
    )
    arguments._n_gpu = min(1, arguments.n_gpu)  # on several GPUs batches would be larger
    return arguments


def _last_checkpoint(work: Path) -> Path | None:
    """Return the newest complete checkpoint; half-written ones of a killed process are removed."""
    while (found := get_last_checkpoint(str(work)) if work.is_dir() else None) is not None:
        try:
            json.loads((Path(found) / TRAINER_STATE_NAME).read_text())  # it is written last
            return Path(found)
        except (OSError, ValueError):
            shutil.rmtree(found)
    return None


def _accuracy(seen: Any) -> dict[str, float]:
    return {"accuracy": float(((seen.predictions > 0) == (seen.label_ids > 0)).mean())}
