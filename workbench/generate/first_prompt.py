"""What a model is asked, letter by letter: a prompt as it reaches the model."""

from __future__ import annotations

from workbench.config.schema import Generation
from workbench.core.types import Prompt
from workbench.generate import BACKENDS, resolve


def as_the_model_gets_it(prompt: Prompt, settings: Generation) -> tuple[str, str]:
    """Return how a prompt reaches the model, in words, and the text, special tokens included.

    Of a model that is not loaded on this machine the chat template is not known: then the text is
    the messages, and the words say so.
    """
    messages = [f"{turn['role']}: {turn['content']}" for turn in prompt.messages or ()]
    plain = "\n".join(messages) if prompt.text is None else prompt.text
    if not BACKENDS[resolve(settings.backend)].local_model:
        return "messages, as they are sent" if messages else "prompt, as it is sent", plain
    from workbench.models.tokenization import encode_prompt, tokenizer_here

    try:
        tokenizer = tokenizer_here(settings.model)
        if tokenizer is None:
            raise ValueError("it is not on this machine")
        ids = encode_prompt(tokenizer, prompt)
    except ValueError as fault:
        name = "messages" if messages else "prompt"
        return f"{name} (the model's tokenizer cannot be asked: {fault})", plain
    text = tokenizer.decode(ids, clean_up_tokenization_spaces=False)
    through = "through its chat template" if messages else "as plain text"
    return f"prompt, as the model gets it {through}, {len(ids):,} tokens", str(text)
