"""What an outcome reward model is asked, and where in its conversation it says ``+`` or ``-``.

A conversation of two turns: the user gives the problem, a space and the solution; the assistant
says one sign. The reward is the probability of ``+`` against ``-`` where the sign is predicted.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Signs:
    """The two tokens of a model, and their place in its conversation."""

    plus: int
    minus: int
    tail: int
    """Tokens from the sign to the end of the conversation, the sign among them."""

    def prompt(self, tokenizer: Any, text: str) -> list[int]:
        """Return the tokens before the sign, in a conversation about ``text``.

        Raises:
            ValueError: in this conversation the sign is not where it is in others.
        """
        ids = _encode(tokenizer, _render(tokenizer, text, "+"))
        if len(ids) < self.tail or ids[-self.tail] != self.plus:
            raise ValueError(
                "the reward model's tokenizer does not keep the sign + apart after this solution: "
                f"{text[-60:]!r}; use another reward model"
            )
        return ids[: -self.tail]


def judged_text(question: str, completion: str) -> str:
    """Return what the user says: the problem, a space and the solution."""
    return f"{question} {completion}"


def find_signs(tokenizer: Any) -> Signs:
    """Find the tokens that stand for the signs where the assistant says them.

    In a conversation of Llama 3 these are ``tokenizer.encode("+")[-1]`` and the same of ``-``, and
    the last token of the prompt, whose prediction is read, is the third from the end.

    Raises:
        ValueError: the model has no chat template, or one that takes no such conversation or does
            not show the sign, or the two are not tokens of their own there.

    Source:
        RLHFlow/RLHF-Reward-Modeling, math-rm/prm_evaluate.py, which takes the position -3. The
        template is applied as it stands there, too, with whatever system text it brings.
    """
    if not getattr(tokenizer, "chat_template", None):
        raise ValueError(
            "the model has no chat template, so it cannot be asked for a + or -; give an outcome "
            "reward model such as RLHFlow/Llama3.1-8B-ORM-Mistral-Data"
        )
    texts = [_render(tokenizer, "What is 1 + 1? It is 2.", sign) for sign in "+-"]
    place = _only_difference(*texts)
    if place is None or texts[0][place] != "+":
        raise ValueError(
            "the model's chat template does not show what the assistant says as it is, so a + or "
            "- cannot be found in it; use another reward model"
        )
    with_plus, with_minus = (_encode(tokenizer, text) for text in texts)
    place = _only_difference(with_plus, with_minus)
    found = [] if place is None else [with_plus[place], with_minus[place]]
    # a space before it is part of the token in some tokenizers
    if place is None or [tokenizer.decode([token]).lstrip(" ") for token in found] != ["+", "-"]:
        seen = "".join(f", not {tokenizer.decode([token])!r}" for token in found)
        raise ValueError(
            "a reward model without the tokens + and -: where the assistant says one of them, the "
            f"tokenizer has to make one token of it and of nothing else{seen}; use another model"
        )
    return Signs(found[0], found[1], tail=len(with_plus) - place)


def _only_difference(first: Sequence[Any], second: Sequence[Any]) -> int | None:
    """Return the one place at which two sequences of equal length differ; else None."""
    if len(first) != len(second):
        return None
    places = [i for i, (a, b) in enumerate(zip(first, second, strict=True)) if a != b]
    return places[0] if len(places) == 1 else None


def _render(tokenizer: Any, text: str, sign: str) -> str:
    from jinja2 import TemplateError

    messages = [{"role": "user", "content": text}, {"role": "assistant", "content": sign}]
    try:
        return str(tokenizer.apply_chat_template(messages, tokenize=False))
    except TemplateError as fault:
        raise ValueError(
            f"the model's chat template refuses a user's and an assistant's message ({fault}); "
            "use another reward model"
        ) from fault


def _encode(tokenizer: Any, text: str) -> list[int]:
    return list(tokenizer.encode(text, add_special_tokens=False))  # the template wrote them
