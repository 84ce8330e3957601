"""Which tokens of a second model a sample is, so that the model can say how likely it holds them.

Where the second model's tokenizer is that of the model which drew the samples, these are the very
tokens of the sample, those that ended it included. Else they are its text anew: the completion (a
text that stopped it is not part of that), and the second model's own end where the sample ended by
itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from workbench.config.schema import Experiment
from workbench.core.types import Known, Prompt
from workbench.models.text_encoder import text_hash
from workbench.models.tokenization import continuation
from workbench.tasks import TASKS
from workbench.tasks.prompts import build_prompt, prompt_hash


def prompts_of(known: Iterable[Known], experiment: Experiment) -> dict[str, Prompt]:
    """Build the prompts of a run anew, by problem.

    What the model of an imported run was asked is not known: its problems are asked as the
    experiment's section ``task`` says.

    Raises:
        ValueError: the samples answer other prompts.
    """
    task = TASKS[experiment.task.name]
    found = {}
    for item in known:
        prompt = build_prompt(item.problem, task, experiment.task)
        if experiment.generation.backend != "import" and prompt_hash(prompt) != item.prompt_hash:
            raise ValueError(
                f"the prompt of {item.problem.id!r} is not the one that its samples answer, so "
                "another model cannot be asked the same; restore the section task (prompt, "
                "few_shot, system, source) that they were drawn with"
            )
        found[item.problem.id] = prompt
    return found


@dataclass(frozen=True)
class Spelling:
    """How the samples of a run become tokens of a second model."""

    same: bool
    """Whether the two have one tokenizer, so that the samples' own tokens are read."""
    ends: frozenset[int] | None
    """Tokens that end a sample under the model that drew it; None where that is not known."""
    may_stop: bool
    """Whether a text may have stopped a sample."""

    def name(self, row: Mapping[str, Any], asked: str) -> str:
        """Return what a sample is known by after a prompt of hash ``asked``."""
        if self.same:
            return text_hash(f"{asked} {list(row['output_token_ids'])}")
        return text_hash(f"{asked} {self.ended(row)} {row['completion']}")

    def ended(self, row: Mapping[str, Any]) -> bool:
        """Say whether a sample ended by itself, and not at its length or at a text."""
        if row["stop_reason"] != "stop" or not self.may_stop:
            return bool(row["stop_reason"] == "stop")
        ids = row["output_token_ids"]
        return bool(self.ends and ids and ids[-1] in self.ends)

    def tokens(self, row: Mapping[str, Any], tokenizer: Any, prompt: Prompt) -> list[int]:
        """Return a sample's tokens under the second model."""
        if self.same:
            return list(row["output_token_ids"])
        end = tokenizer.eos_token_id
        last = [end] if self.ended(row) and end is not None else []
        return continuation(tokenizer, prompt, row["completion"]) + last
