"""The second turn: what a model is asked after its first answer."""

from __future__ import annotations


def second_prompt(
    first: str | list[dict[str, str]], answer: str, correction: str
) -> str | list[dict[str, str]]:
    r"""Return the prompt of the second turn: the first one, the answer to it, and the instruction.

    Example:
        >>> second_prompt("Q: 1 + 1?\nA:", " 3", "Correct it.")
        'Q: 1 + 1?\nA: 3\n\nCorrect it.\n\n'
        >>> [one["role"] for one in second_prompt([{"role": "user", "content": "?"}], "3", "No.")]
        ['user', 'assistant', 'user']
    """
    if isinstance(first, str):
        return f"{first}{answer}\n\n{correction}\n\n"
    turns = [{"role": "assistant", "content": answer}, {"role": "user", "content": correction}]
    return [*first, *turns]
