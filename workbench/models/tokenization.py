"""From a prompt to token ids, the same way for every backend that loads a model."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from workbench.core.thinking import Markers
from workbench.core.types import Prompt, Request, Sample
from workbench.models.locate import check_model, resolve_model
from workbench.models.packaged import MODELS


def encode_prompt(tokenizer: Any, prompt: Prompt, completion: str = "") -> list[int]:
    """Return the token ids of a prompt, how its answer begins, and of a completion after it.

    A conversation goes through the model's chat template.

    Raises:
        ValueError: the prompt is a conversation, and the model has no chat template, or one that
            refuses the conversation.
    """
    completion = prompt.begun + completion
    if prompt.text is not None:
        return list(tokenizer.encode(prompt.text + completion))
    if not getattr(tokenizer, "chat_template", None):
        raise ValueError(
            "the model has no chat template; set task.prompt to completion, or use an instruct "
            "model"
        )
    messages = [dict(message) for message in prompt.messages or ()]
    from jinja2 import TemplateError  # which transformers has loaded by now

    try:
        text = tokenizer.apply_chat_template(
            messages, tokenize=False, add_generation_prompt=True, **prompt.template_options
        )
    except TemplateError as fault:
        has_system = any(message["role"] == "system" for message in messages)
        way_out = 'task.system: ""' if has_system else "task.prompt: completion"
        raise ValueError(
            f"the model's chat template refuses the conversation ({fault}); set {way_out}"
        ) from None
    return list(tokenizer.encode(text + completion, add_special_tokens=False))  # the template has


def markers_behind(
    tokenizer: Any, prompt: Sequence[int], families: tuple[Markers, ...]
) -> tuple[Markers, ...]:
    """Return the markers of thoughts behind a prompt: of one kind, if the prompt opens a thought.

    The chat templates of many reasoning models end with the opening marker, so that a sample has
    only the closing one, or none if it is cut.
    """
    end = str(tokenizer.decode(list(prompt[-32:]))).rstrip()
    opened = (replace(kind, in_prompt=True) for kind in families if end.endswith(kind.open))
    return next(((kind,) for kind in opened), families)


def has_special_markers(tokenizer: Any, families: Iterable[Markers]) -> bool:
    """Say whether a tokenizer has markers of thoughts among the tokens that texts usually lack."""
    added = getattr(tokenizer, "added_tokens_decoder", {}).values()
    special = [token.content for token in added if token.special]
    markers = [marker for kind in families for marker in (kind.open, kind.close)]
    return any(token in marker for token in special for marker in markers)


def token_counter(
    tokenizer: Any, prompt: Sequence[int], ids: Sequence[int], *, skip_special: bool
) -> Callable[[int], int | None]:
    """Return a function: a number of characters -> how many of a sample's tokens spell them.

    It returns None if the tokenizer cannot tell.
    """

    def count(end: int) -> int | None:
        from tokenizers.decoders import DecodeStream  # not in every installation

        if not hasattr(tokenizer, "backend_tokenizer"):
            return None
        stream = DecodeStream(ids=list(prompt), skip_special_tokens=skip_special)
        length = 0
        for number, token in enumerate(ids):
            if length >= end:
                return number
            length += len(stream.step(tokenizer.backend_tokenizer, token) or "")
        return len(ids)

    return count


def too_long(request: Request, num_tokens: int, limit: int) -> Sample | None:
    """Return an error row where a prompt leaves no room for one token, else None."""
    if num_tokens < limit:
        return None
    reason = f"the prompt has {num_tokens} tokens and max_model_len is {limit}"
    return request.sampled("", "error", error=reason)


def open_tokenizer(name: str, fetch: bool) -> Any:
    """Load the tokenizer of a model, for a look before anything heavy is loaded.

    Args:
        name: a folder, a hub name, or a packaged model.
        fetch: whether to fetch it from the hub if it is not in the hub's cache.

    Returns:
        The tokenizer; None for a packaged model, which is known to work and may still have to be
        converted, and for one on the hub that is not cached and not to be fetched.

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


def tokenizer_here(name: str) -> Any:
    """Load the tokenizer of a model that is on this machine, a packaged one included; else None.

    Raises:
        ValueError: there is no such model, or its tokenizer cannot be loaded.
    """
    if name not in MODELS:
        return open_tokenizer(name, fetch=False)
    from transformers import AutoTokenizer  # a slow import

    return AutoTokenizer.from_pretrained(str(resolve_model(name)))


def same_tokens(first: Any, second: Any) -> bool:
    """Say whether every token of one tokenizer has the same number in another."""
    theirs = second.get_vocab()
    return all(theirs.get(token) == number for token, number in first.get_vocab().items())


def continuation(tokenizer: Any, prompt: Prompt, completion: str) -> list[int]:
    """Return the tokens of a completion as it goes on from its prompt.

    It is encoded together with the prompt, since some tokenizers put a space before a text, but by
    itself if that would change the prompt's last token.
    """
    before = encode_prompt(tokenizer, prompt)
    whole = encode_prompt(tokenizer, prompt, completion)
    if whole[: len(before)] == before:
        return whole[len(before) :]
    return list(tokenizer.encode(completion, add_special_tokens=False))


def steps_of(pieces: Iterable[str]) -> list[int]:
    """Return the step of each token of a completion, from 0; a step is a line.

    The end of a line belongs to it, and so do empty lines after it. A token that ends one line and
    begins the next belongs to the line in which its first letter stands.

    Args:
        pieces: text of each token; the text of an end token is empty.
    """
    steps = []
    step, begun, ended = 0, False, False
    for piece in pieces:
        if piece.strip():
            blank = piece[: len(piece) - len(piece.lstrip())]
            step += begun and (ended or "\n" in blank)
            begun, ended = True, "\n" in piece.lstrip()
        else:
            ended = ended or "\n" in piece
        steps.append(step)
    return steps
