"""Fine-tuning of a causal model to say ``+`` or ``-``: LoRA by peft, the loop by transformers.

The loss is at the sign alone, and between the two signs: minus the logarithm of the probability
that reward ``orm`` would give to the truth. So what is trained is what is read, on a scale on which
0.7 should mean that 7 of 10 are right; what the model thinks of other tokens is left as it is.
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
from peft import LoraConfig, PeftModel, get_peft_model
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
from workbench.reward_training.options import Training
from workbench.rewards.outcome_prompt import Signs

LOGS = 10
"""Lines of the curves in an epoch, each with a checkpoint."""
EVALUATE_EVERY = 5
"""Lines of the curves between two looks at the validation part."""
ALPHA = 32
"""LoRA's scale is this over the rank, with which the best learning rate hardly depends on the rank
(Schulman et al., 2025, "LoRA Without Regret")."""
WARMUP = 0.1
"""Share of the steps in which the learning rate rises, before it falls to 0 along a line."""


@dataclass(frozen=True)
class Judgement:
    """A conversation up to the sign, and which sign is right."""

    ids: Sequence[int]
    right: bool
    weight: float = 1.0


@dataclass(frozen=True)
class Tuned:
    """What came of the training."""

    checkpoint: Path
    """The one with the smallest validation loss."""
    step: int
    steps: int
    device: str
    curves: list[dict[str, float]]
    """In order of ``step``: ``loss`` and ``accuracy`` on the training part since the line before,
    ``validation_loss`` and ``validation_accuracy`` where it was looked at. Losses in nats."""


def resolve_dtype(name: str) -> str:
    """Return what ``auto`` stands for here: bfloat16 on a GPU that has it, else float32."""
    if name != "auto":
        return name
    there = torch.cuda.is_available() and torch.cuda.is_bf16_supported()
    return "bfloat16" if there else "float32"


def tune(
    place: str,
    signs: Signs,
    train: Sequence[Judgement],
    validation: Sequence[Judgement],
    settings: Training,
    dtype: str,
    work: Path,
    log: Callable[[dict[str, float]], None],
) -> Tuned:
    """Train, from the last whole checkpoint in ``work`` if there is one.

    The order of the examples, the first weights of LoRA and all else that is random come from
    ``settings.seed``, so that a training that was stopped ends as one that was not.

    Args:
        place: the model, a folder or hub name.
        signs: its two tokens.
        train: what is learnt from.
        validation: what the checkpoint is chosen by.
        settings: how.
        dtype: of the model's own weights, which stay as they are; those of LoRA are float32.
        work: where checkpoints are kept.
        log: told each line of the curves as it comes.

    Raises:
        ValueError: the loss is no number, or a batch does not fit in the GPU's memory.
    """
    logging.disable_progress_bar()
    set_seed(settings.seed)
    network = AutoModelForCausalLM.from_pretrained(place, dtype=getattr(torch, dtype))
    network.config.use_cache = False
    lora = LoraConfig(
        r=settings.rank, lora_alpha=ALPHA, target_modules="all-linear", task_type="CAUSAL_LM"
    )
    model = get_peft_model(network, lora)
    arguments = _arguments(len(train), settings, dtype, work)
    trainer = SignTrainer(
        model=model, args=arguments, signs=signs, train_dataset=train, eval_dataset=validation,
        data_collator=collate, compute_metrics=_accuracy,
    )  # fmt: skip
    trainer.remove_callback(PrinterCallback)
    last = _last_whole(work)
    if last:
        trainer.state = TrainerState.load_from_json(str(last / TRAINER_STATE_NAME))
    done = trainer.state.global_step
    if last:
        notice(f"train: goes on from step {done:,} of {arguments.max_steps:,}")
    try:
        if done < arguments.max_steps:
            with progress_bar("train", arguments.max_steps, "steps", done) as advance:
                trainer.add_callback(Listener(advance, log))
                logging.set_verbosity_error()  # it would doubt the disk's clock
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
    step = int(state.best_global_step)
    device = str(arguments.device)
    del trainer, model, network
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
    return Tuned(
        work / f"checkpoint-{step}", step, state.global_step, device, curves(state.log_history)
    )


def merge(place: str, checkpoint: Path, dtype: str, target: Path) -> None:
    """Write the model with a checkpoint's LoRA weights added to its own, as a folder of ``dtype``.

    Raises:
        ValueError: a weight is no number.
    """
    network = AutoModelForCausalLM.from_pretrained(place, dtype=getattr(torch, dtype))
    merged = PeftModel.from_pretrained(network, checkpoint).merge_and_unload(safe_merge=True)
    # nothing is generated with it, and some models' own settings do not pass the check in saving
    merged.generation_config = GenerationConfig.from_model_config(merged.config)
    shutil.rmtree(target, ignore_errors=True)  # of a process that was killed
    merged.save_pretrained(target)


class SignTrainer(Trainer):  # type: ignore[misc, unused-ignore]
    """The library's trainer with the loss at the sign, and the accuracy among its logs."""

    def __init__(self, signs: Signs, **options: Any) -> None:
        """Train for two tokens."""
        super().__init__(**options)
        self.signs = signs
        self.hits: list[torch.Tensor] = []

    def compute_loss(
        self, model: Any, inputs: dict[str, Any], return_outputs: bool = False, **unused: Any
    ) -> Any:
        """Return the mean loss of a batch, nats, and if asked the log odds of ``+``, (rows,)."""
        right = inputs["right"]
        read = {name: inputs[name] for name in ("input_ids", "attention_mask", "position_ids")}
        logits = model(**read, logits_to_keep=1).logits[:, -1].float()  # (rows, vocabulary)
        odds = logits[:, self.signs.plus] - logits[:, self.signs.minus]
        loss = binary_cross_entropy_with_logits(odds, right, weight=inputs["weight"])
        if model.training:
            self.hits.append(((odds.detach() > 0) == (right > 0)).float())
        return (loss, {"odds": odds}) if return_outputs else loss

    def log(self, logs: dict[str, float], *more: Any) -> None:
        """Add the accuracy on what was trained on since the last time."""
        if "loss" in logs:
            logs["accuracy"] = float(torch.cat(self.hits).mean())
            self.hits.clear()
        super().log(logs, *more)


class Listener(TrainerCallback):  # type: ignore[misc, unused-ignore]
    """Moves the bar and hands on the lines of the curves."""

    def __init__(
        self, advance: Callable[[int], None], log: Callable[[dict[str, float]], None]
    ) -> None:
        """Tell ``advance`` of steps and ``log`` of lines."""
        self.advance, self.tell = advance, log

    def on_step_end(self, args: Any, state: Any, control: Any, **unused: Any) -> None:
        """Count a step; the last one ends with a line however long the one before it was ago."""
        self.advance(1)
        if state.global_step >= state.max_steps:
            control.should_log = True

    def on_log(self, args: Any, state: Any, control: Any, **unused: Any) -> None:
        """Hand on what was logged."""
        for line in curves(state.log_history[-1:]):
            self.tell(line)


def collate(batch: Sequence[Judgement]) -> dict[str, torch.Tensor]:
    """Return a batch padded on the left, so that every sign is predicted at the last place."""
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
    """Return the trainer's log as one line per step, without what is not of the curves."""
    names = {
        "loss": "loss", "accuracy": "accuracy", "learning_rate": "learning_rate",
        "eval_loss": "validation_loss", "eval_accuracy": "validation_accuracy",
    }  # fmt: skip
    lines: dict[int, dict[str, float]] = {}
    for entry in history:
        found = {ours: float(entry[name]) for name, ours in names.items() if name in entry}
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
        lr_scheduler_type="linear",
        warmup_steps=WARMUP,  # a share of the steps
        weight_decay=0.0,
        seed=settings.seed,
        bf16=on_gpu and dtype == "bfloat16",
        gradient_checkpointing=recompute,
        gradient_checkpointing_kwargs={"use_reentrant": False},
        logging_strategy="steps",
        logging_steps=every,
        logging_nan_inf_filter=False,
        save_strategy="steps",
        save_steps=every,
        save_total_limit=2,  # the newest and the best; of 1 the trainer would drop the newest
        eval_strategy="steps",
        eval_steps=every * EVALUATE_EVERY,
        metric_for_best_model="loss",
        greater_is_better=False,
        label_names=["right"],
        remove_unused_columns=False,
        dataloader_pin_memory=on_gpu,
        disable_tqdm=True,
        report_to="none",
    )
    arguments._n_gpu = min(1, arguments.n_gpu)  # on several it would make batches of several
    return arguments


def _last_whole(work: Path) -> Path | None:
    """Return the newest checkpoint; those that a killed process left half written are removed."""
    while (found := get_last_checkpoint(str(work)) if work.is_dir() else None) is not None:
        try:
            json.loads((Path(found) / TRAINER_STATE_NAME).read_text())  # it is written last
            return Path(found)
        except (OSError, ValueError):
            shutil.rmtree(found)
    return None


def _accuracy(seen: Any) -> dict[str, float]:
    return {"accuracy": float(((seen.predictions > 0) == (seen.label_ids > 0)).mean())}
