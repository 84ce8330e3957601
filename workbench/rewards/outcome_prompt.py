"""The conversation in which an outcome reward model judges a solution by saying ``+`` or ``-``.

It has two turns: the user gives the problem, a space and the solution; the assistant says one of
the two verdict tokens. The reward is the probability of ``+`` against ``-`` where that token is
predicted.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

NO_CHAT_TEMPLATE = (
    "the model has no chat template, so it cannot be asked for a + or -; give an outcome reward "
    "model such as RLHFlow/Llama3.1-8B-ORM-Mistral-Data"
)


@dataclass(frozen=True)
class VerdictTokens:
    """The two tokens by which a model judges, and their place in its conversation."""

    plus: int
    minus: int
    tail: int
    """Tokens from the verdict to the end of the conversation, the verdict among them."""

    def prompt(self, tokenizer: Any, text: str) -> list[int]:
        """Return the tokens before the verdict, in a conversation about ``text``.

        Raises:
            ValueError: in this conversation the verdict is not where it is in others.
        """
        ids = _encode(tokenizer, _render(tokenizer, text, "+"))
        if len(ids) < self.tail or ids[-self.tail] != self.plus:
            raise ValueError(
                "the reward model's tokenizer does not keep the sign + apart after this solution: "
                f"{text[-60:]!r}; use another reward model"
            )
        return ids[: -self.tail]

    def prompts(
        self, tokenizer: Any, texts: Mapping[str, str], limit: int
    ) -> tuple[dict[str, list[int]], list[str]]:
        """Return the prompts of some texts by name, and the names of those that are too long.

        Args:
            tokenizer: of the model.
            texts: what is to be judged, by name.
            limit: a prompt has to be shorter than this, tokens.

        Raises:
            ValueError: as ``prompt``.
        """
        prompts = {name: self.prompt(tokenizer, text) for name, text in texts.items()}
        fitting = {name: ids for name, ids in prompts.items() if len(ids) < limit}
        return fitting, [name for name in prompts if name not in fitting]


def judged_text(question: str, completion: str) -> str:
    """Return what the user says: the problem, a space and the solution.

    >>> judged_text("What is 1 + 1?", "It is 2.")
    'What is 1 + 1? It is 2.'
    """
    return f"{question} {completion}"


def find_verdict_tokens(tokenizer: Any) -> VerdictTokens:
    """Find the tokens that stand for ``+`` and ``-`` where the assistant says them.

    In a conversation of Llama 3 these are ``tokenizer.encode("+")[-1]`` and the same of ``-``, and
    the last token of the prompt, whose prediction is read, is the third from the end.

    Raises:
        ValueError: the model has no chat template, or one that takes no such conversation or does
            not show the verdict, or the two are not tokens of their own there.

    Source:
        RLHFlow/RLHF-Reward-Modeling, math-rm/prm_evaluate.py, which takes the position -3. As
        there, the template is applied unchanged, with the system text that it adds.
    """
    if not getattr(tokenizer, "chat_template", None):
        raise ValueError(NO_CHAT_TEMPLATE)
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
    # in some tokenizers the space before the sign is part of the token
    if place is None or [tokenizer.decode([token]).lstrip(" ") for token in found] != ["+", "-"]:
        seen = "".join(f", not {tokenizer.decode([token])!r}" for token in found)
        raise ValueError(
            "a reward model without the tokens + and -: where the assistant says one of them, the "
            f"tokenizer has to make one token of it and of nothing else{seen}; use another model"
        )
    return VerdictTokens(found[0], found[1], tail=len(with_plus) - place)


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
