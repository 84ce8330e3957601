"""The tokens by which a second model scores a sample.

A sample is scored whole, its thought before its answer, behind the prompt that it answers. If the
second model has the tokenizer of every model that drew samples of the run, they are the tokens of
the sample, the end token included. If not, the text is tokenized again, without the stop text that
may have ended it, and the second model's own end token is added if the sample ended by itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from workbench.config.prompt_variants import prompt_section
from workbench.config.setting_types import DEFAULT_PROMPT
from workbench.core.thinking import whole_text
from workbench.core.types import Known, Prompt
from workbench.models.text_encoder import text_hash
from workbench.models.tokenization import continuation
from workbench.storage.open_run import OpenRun
from workbench.tasks.asked_again import AskedAgain, hashes_of

Prompts = Mapping[tuple[str, str], Prompt]
"""(problem, the hash of a prompt as its samples have it) -> that prompt."""


def prompts_of(run: OpenRun, known: Iterable[Known]) -> dict[tuple[str, str], Prompt]:
    """Build the prompts of a run again, by problem and by the hash that its samples have.

    The prompts of an imported run are not known: they are built as the section ``task`` says.

    Raises:
        ValueError: the samples answer other prompts.
    """
    asked = AskedAgain(run.task)
    found = {}
    for item in known:
        if run.imported:
            found[item.problem.id, item.prompt_hash] = asked.built(item.problem)
            continue
        for name, hashed in hashes_of(item).items():
            defined = name == DEFAULT_PROMPT or name in run.task.prompts
            prompt = asked.prompt(item, hashed) if defined else None
            if prompt is None:
                keys = f"the section {prompt_section(name)}"
                raise ValueError(
                    f"the prompt of {item.problem.id!r} is not the one that its samples answer, so "
                    f"another model cannot be asked the same; restore {keys} (prompt, few_shot, "
                    "examples, system, source) that they were drawn with"
                )
            found[item.problem.id, hashed] = prompt
    return found


@dataclass(frozen=True)
class Spelling:
    """How the samples of a run are turned into tokens of a second model."""

    same: bool
    """Whether the two models have one tokenizer, so that the samples' own tokens are scored."""
    ends: frozenset[int] | None
    """Tokens that end a sample under the model that drew it; None if they are not known."""
    may_stop: bool
    """Whether the run has stop texts (``generation.stop``), which may have ended a sample."""
    ends_in: Mapping[str, frozenset[int]] = field(default_factory=dict)
    """By condition as ``ends``, where several models drew the samples."""

    def hash(self, row: Mapping[str, Any], prompt_hash: str) -> str:
        """Return the hash of a sample's text, or of its tokens, after a prompt."""
        if self.same:
            return text_hash(f"{prompt_hash} {list(row['output_token_ids'])}")
        return text_hash(f"{prompt_hash} {self.ended(row)} {_text(row)}")

    def ended(self, row: Mapping[str, Any]) -> bool:
        """Say whether a sample ended by an end token, not at its length limit or at a stop text."""
        if row["stop_reason"] != "stop" or not self.may_stop:
            return bool(row["stop_reason"] == "stop")
        ids, ends = row["output_token_ids"], self.ends
        if self.ends_in:
            ends = self.ends_in.get(row["condition"])
        return bool(ends and ids and ids[-1] in ends)

    def tokens(self, row: Mapping[str, Any], tokenizer: Any, prompt: Prompt) -> list[int]:
        """Return a sample's tokens under the second model."""
        if self.same:
            return list(row["output_token_ids"])
        end = tokenizer.eos_token_id
        last = [end] if self.ended(row) and end is not None else []
        return continuation(tokenizer, prompt, _text(row)) + last


def _text(row: Mapping[str, Any]) -> str:
    return whole_text(row.get("thought"), row["completion"])
