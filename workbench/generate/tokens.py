"""From a prompt to token ids, the same way for every backend that loads a model."""

from __future__ import annotations

from typing import Any

from workbench.types import Prompt, Request, Sample


def encode_prompt(tokenizer: Any, prompt: Prompt) -> list[int]:
    """Return the token ids of a prompt; a conversation goes through the chat template.

    Raises:
        ValueError: a conversation, and the model has no chat template.
    """
    if prompt.text is not None:
        return list(tokenizer.encode(prompt.text))
    if not getattr(tokenizer, "chat_template", None):
        raise ValueError(
            "the model has no chat template; set task.prompt to completion, or use an instruct "
            "model"
        )
    messages = [dict(message) for message in prompt.messages or ()]
    text = tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True)
    return list(tokenizer.encode(text, add_special_tokens=False))  # the template wrote them


def too_long(request: Request, num_tokens: int, limit: int) -> Sample | None:
    """Return an error row where a prompt leaves no room for one token, else None."""
    if num_tokens < limit:
        return None
    reason = f"the prompt has {num_tokens} tokens and max_model_len is {limit}"
    return request.sampled("", "error", error=reason)
