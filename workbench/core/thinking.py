"""Thoughts: what a reasoning model writes before its answer, and where in a text the answer begins.

A thought stands between two markers. Its opening marker may be missing from the text, because the
prompt's template ends with it; its closing marker is missing where the text was cut inside.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple


@dataclass(frozen=True, slots=True)
class Markers:
    """What stands before and behind a thought."""

    open: str
    close: str
    in_prompt: bool = False
    """Whether every text begins inside a thought, as the prompt ends with the opening marker."""
    between: str = ""
    """What may stand before the closing marker and belongs to it."""


FAMILIES: dict[str, Markers] = {
    "think": Markers("<think>", "</think>"),  # DeepSeek-R1, Qwen3, QwQ, SmolLM3, GLM-4.5 ...
    "thinking": Markers("<thinking>", "</thinking>"),
    "thought": Markers("<thought>", "</thought>"),  # EXAONE Deep
    "begin_of_thought": Markers("<|begin_of_thought|>", "<|end_of_thought|>"),  # Sky-T1
    "mistral": Markers("[THINK]", "[/THINK]"),  # Magistral
    "seed": Markers("<seed:think>", "</seed:think>"),  # Seed-OSS
    "kimi": Markers("◁think▷", "◁/think▷"),  # Kimi-VL-Thinking
    "harmony": Markers(  # gpt-oss
        "<|channel|>analysis<|message|>", "<|channel|>final<|message|>",
        between="<|end|><|start|>assistant"),
}  # fmt: skip
"""Markers by the name under which ``task.thinking`` knows them."""


class SplitText(NamedTuple):
    """A text as its thought and its answer."""

    thought: str | None
    """Without its outer markers; None where the text has no thought."""
    answer: str
    """What follows the last thought, character by character; empty where the thought has no end."""
    start: int
    """Where in the text the answer begins."""
    closed: bool = True
    """Whether the thought has an end: False for a text that was cut inside it."""


def split_thought(
    text: str, families: Sequence[Markers], reasoning: str | None = None
) -> SplitText:
    """Split a text into its thought and its answer.

    Of several kinds of markers, those count that the text has first. With several thoughts, the
    answer is what follows the last closing marker. Where an opening marker has no closing one
    behind it, the whole text is thought. The time grows with the length of the text, no faster.

    Args:
        text: what was drawn.
        families: the kinds of markers that it may have.
        reasoning: what a server or a file keeps apart already; it goes in front of the thought.

    Source:
        Reasoning parsers of vLLM, which end a thought at the first closing marker:
        https://docs.vllm.ai/en/latest/features/reasoning_outputs.html

    >>> kinds = list(FAMILIES.values())
    >>> split_thought("<think>3+5 is eight.</think> It is 8.", kinds)
    SplitText(thought='3+5 is eight.', answer=' It is 8.', start=28, closed=True)
    >>> split_thought("The prompt opened it.</think>8", kinds).answer
    '8'
    >>> split_thought("<think>Could it be 8? Let me", kinds)
    SplitText(thought='Could it be 8? Let me', answer='', start=28, closed=False)
    >>> split_thought("It is 8.", kinds).thought is None
    True
    """
    found = _family_of(text, families, opened=reasoning is None and text != "")
    if found is None:
        return SplitText(reasoning, text, 0)
    begin, close = text.rfind(found.open), text.rfind(found.close)
    closed = close >= 0 and begin < close
    start = close + len(found.close) if closed else len(text)
    thought = text[:close] if closed else text
    before, _, behind = thought.partition(found.open)
    if not before.strip():
        thought = behind or before
    thought = thought.removesuffix(found.between)
    answer = text[start:]
    if reasoning is not None:
        thought = f"{reasoning}\n{thought}"
    return SplitText(thought, answer, start, closed)


def _family_of(text: str, families: Sequence[Markers], *, opened: bool) -> Markers | None:
    """Return the markers that a text has first, or else those that its prompt may have opened."""
    first: dict[int, Markers] = {}
    for markers in families:
        for marker in (markers.open, markers.close):
            if (place := text.find(marker)) >= 0:
                first.setdefault(place, markers)
    if first:
        return first[min(first)]
    return next((markers for markers in families if opened and markers.in_prompt), None)


def whole_text(thought: str | None, answer: str, markers: Markers = FAMILIES["think"]) -> str:
    """Return thought and answer as one text, with markers around a thought that has an answer.

    >>> whole_text("3+5 is eight.", " It is 8."), whole_text(None, "It is 8.")
    ('<think>3+5 is eight.</think> It is 8.', 'It is 8.')
    """
    if thought is None:
        return answer
    end = markers.between + markers.close if answer else ""
    return f"{markers.open}{thought}{end}{answer}"
