"""Which tokens of a second model a sample is, so that the model can say how likely it holds them.

Where the second model's tokenizer is that of the model which drew the samples, these are the very
tokens of the sample, those that ended it included. Else they are its text anew: the completion (a
text that stopped it is not part of that), and the second model's own end where the sample ended by
itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from workbench.config import Experiment
from workbench.embed import text_hash
from workbench.folder import Known
from workbench.generate.tokens import encode_prompt
from workbench.models import MODELS, check_model, resolve_model
from workbench.prompts import build_prompt, prompt_hash
from workbench.tasks import TASKS
from workbench.types import Prompt

Sequences = Mapping[str, tuple[Sequence[int], Sequence[int]]]
"""Tokens of a prompt and those that come after it, by name."""


class Told(NamedTuple):
    """What a model says of the tokens of one completion, in their order."""

    name: str
    logprobs: Sequence[float]
    """Nats."""
    entropies: Sequence[float] = ()
    """Of the distributions that the tokens come from, nats; none where they were not asked for."""
    certainties: Sequence[float] = ()
    """How far these are from uniform: KL(uniform || p), nats, 0 at least. None where they were not
    asked for, or the model's engine does not tell whole distributions."""


@dataclass(frozen=True)
class Reader:
    """A loaded model that says how likely it holds given tokens, one after another."""

    tokenizer: Any
    limit: int
    """Prompt and completion together have to be shorter than this, tokens."""
    vocabulary: int
    """Tokens that its distributions are over."""
    read: Callable[[Sequences], Iterator[Told]]
    """(sequences by name) -> what is said of each, in any order."""


def open_tokenizer(name: str, fetch: bool) -> Any:
    """Load the tokenizer of a model, for a look before anything heavy is loaded.

    Args:
        name: a folder, a hub name, or a packaged model.
        fetch: get it from the hub if it is not here.

    Returns:
        The tokenizer; None for a packaged model, which has been tried and is perhaps still to be
        converted, and for one on the hub that is neither here nor to be fetched.

    Raises:
        ValueError: there is no such model, or its tokenizer cannot be loaded.
    """
    check_model(name)
    if name in MODELS:
        return None
    on_hub = not Path(name).expanduser().is_dir()
    place = name if on_hub and not fetch else str(resolve_model(name))
    from transformers import AutoTokenizer  # a slow import

    try:
        return AutoTokenizer.from_pretrained(place, local_files_only=not fetch)
    except Exception as fault:  # whatever its parsers raise, a bare Exception among it
        if on_hub and not fetch:
            return None
        said = (str(fault).strip() or repr(fault)).splitlines()[0]
        raise ValueError(
            f"the tokenizer of {name} cannot be loaded ({type(fault).__name__}: {said}); give a "
            "whole model folder in Hugging Face format"
        ) from fault


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


def same_tokens(first: Any, second: Any) -> bool:
    """Say whether every token of one tokenizer has the same number in another."""
    theirs = second.get_vocab()
    return all(theirs.get(token) == number for token, number in first.get_vocab().items())


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


def continuation(tokenizer: Any, prompt: Prompt, completion: str) -> list[int]:
    """Return the tokens of a completion as it goes on from its prompt.

    Encoded with the prompt before it, as some tokenizers put a space before a text; where the
    prompt's last token would then be another one, by itself.
    """
    before = encode_prompt(tokenizer, prompt)
    if prompt.text is not None:
        whole = encode_prompt(tokenizer, Prompt(text=prompt.text + completion))
    else:
        messages = [dict(message) for message in prompt.messages or ()]
        text = tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True)
        whole = tokenizer.encode(text + completion, add_special_tokens=False)
    if whole[: len(before)] == before:
        return list(whole[len(before) :])
    return list(tokenizer.encode(completion, add_special_tokens=False))


def steps_of(pieces: Iterable[str]) -> list[int]:
    """Number the steps of a completion, which are its lines, by the text of its tokens.

    A line's end belongs to it, and so do empty lines after it. A token that ends one line and
    begins the next belongs to the line in which its first letter stands.

    Args:
        pieces: text of each token; an end token has none.

    Returns:
        The step of each token, from 0, never falling.
    """
    steps = []
    step, begun, ended = 0, False, False
    for piece in pieces:
        letters = piece.strip()
        if letters:
            blank = piece[: len(piece) - len(piece.lstrip())]
            if begun and (ended or "\n" in blank):
                step += 1
            begun, ended = True, "\n" in piece.lstrip()
        else:
            ended = ended or "\n" in piece
        steps.append(step)
    return steps
