r"""The second turn: the first prompt and its answer, and the request to correct it.

A conversation goes on: what the model said stands as the assistant's turn, and the request as the
user's. A text goes on too. Where the first prompt ends by asking for an answer, as the built-in
completion does (``A:``), the request is asked in the same form; else it stands between empty lines.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import overload

from workbench.core.types import Prompt

ASKED = "\nA:"
"""How the built-in completion asks for an answer."""


@overload
def second_prompt(first: str, answer: str, correction: str) -> str: ...
@overload
def second_prompt(
    first: Sequence[Mapping[str, str]], answer: str, correction: str
) -> list[dict[str, str]]: ...
def second_prompt(
    first: str | Sequence[Mapping[str, str]], answer: str, correction: str
) -> str | list[dict[str, str]]:
    r"""Return what a model is asked in the second turn.

    Args:
        first: the prompt of the first turn, as a text or as messages.
        answer: what the model answered to it, without a thought that came before. An answer that
            was cut is shown as it is.
        correction: the request to correct the answer, ``task.correction``.

    Returns:
        A text where the first prompt is one, else messages.

    Example:
        >>> asked = [{"role": "user", "content": "What is 2 + 2?"}]
        >>> [turn["role"] for turn in second_prompt(asked, "It is 5.", "Please correct it.")]
        ['user', 'assistant', 'user']
        >>> second_prompt("Q: What is 2 + 2?\nA:", " It is 5.", "Please correct it.")
        'Q: What is 2 + 2?\nA: It is 5.\n\nQ: Please correct it.\nA:'
        >>> second_prompt("2 + 2 =", " 5", "Please correct it.")
        '2 + 2 = 5\n\nPlease correct it.\n\n'
    """
    if isinstance(first, str):
        said = f"{first}{answer.rstrip()}\n\n"
        return (
            f"{said}Q: {correction}{ASKED}" if first.endswith(ASKED) else f"{said}{correction}\n\n"
        )
    turns = [dict(turn) for turn in first]
    turns.append({"role": "assistant", "content": answer})
    return [*turns, {"role": "user", "content": correction}]


def corrected_prompt(first: Prompt, answer: str, correction: str) -> Prompt:
    """Return the prompt of the second turn; switches of the chat template stay as they are."""
    if first.messages is None:
        return replace(first, text=second_prompt(first.text or "", answer, correction))
    return replace(first, messages=tuple(second_prompt(first.messages, answer, correction)))
