"""Whether a model's chat template takes the conversation that an experiment asks."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from workbench.core.types import Prompt
from workbench.models.locate import MODELS
from workbench.models.tokenization import encode_prompt, open_tokenizer

REFUSES = "raise_exception"
"""How a template refuses; one without it takes everything."""

FILES = ("chat_template.jinja", "tokenizer_config.json", "chat_template.json")
"""Where a model may keep its template."""


def check_system_message(name: str, fetch: bool) -> None:
    """Refuse a model whose chat template takes a conversation, but not with a system message.

    The tokenizer is loaded only where the template refuses anything at all. Nothing is checked of a
    packaged model, which is known to take one, nor of a model on the hub that is not cached.

    Raises:
        ValueError: it takes no system message; the message says what to set.
    """
    if name in MODELS or not any(REFUSES in text for text in _template_texts(name)):
        return
    tokenizer = open_tokenizer(name, fetch)
    if tokenizer is None or not getattr(tokenizer, "chat_template", None):
        return
    question = {"role": "user", "content": "Name a colour."}
    system = {"role": "system", "content": "Be brief."}
    try:
        encode_prompt(tokenizer, Prompt(messages=(system, question)))
    except ValueError as fault:
        encode_prompt(tokenizer, Prompt(messages=(question,)))  # or it is not the system message
        raise ValueError(f"{name} takes no system message: {fault}") from None


def _template_texts(name: str) -> Iterator[str]:
    folder = Path(name).expanduser()
    if folder.is_dir():
        paths = [folder / file for file in FILES]
    else:
        from huggingface_hub import try_to_load_from_cache  # a slow import

        found = [try_to_load_from_cache(name, file) for file in FILES]
        paths = [Path(path) for path in found if isinstance(path, str)]
    for path in paths:
        if path.is_file():
            yield path.read_text(encoding="utf-8", errors="replace")
