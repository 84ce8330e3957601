"""How texts are split into tokens."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import chain

# The four rules of mteval-v13a.pl for Western languages, in its order and sacreBLEU's spelling.
SYMBOLS_13A = re.findall(r"[\{-\~\[-\` -\&\(-\+\:-\@\/]", bytes(range(33, 128)).decode())
RULES_13A = (
    (re.compile(r"([^0-9])([\.,])"), r"\1 \2 "),  # period, comma: unless after a digit
    (re.compile(r"([\.,])([^0-9])"), r" \1 \2"),  # or before one
    (re.compile(r"([0-9])(-)"), r"\1 \2 "),  # dash after a digit
)


@dataclass(frozen=True, slots=True)
class Tokenizer:
    """A text is split into words, and a word, the same way wherever it stands, into tokens."""

    words: Callable[[str], list[str]]
    parts: Callable[[Sequence[str]], list[list[str]]] | None = None
    """Words -> the tokens of each; None where a word is a token."""

    def __call__(self, text: str) -> list[str]:
        """Split one text.

        Example:
            >>> TOKENIZERS["13a"]("It costs $1.50, or so.")
            ['It', 'costs', '$', '1.50', ',', 'or', 'so', '.']
        """
        words = self.words(text)
        return words if self.parts is None else list(chain.from_iterable(self.parts(words)))


def _words_13a(text: str) -> list[str]:
    """The words of a text, without the line breaks and entities that the script does away with."""
    text = text.rstrip().replace("<skipped>", "").replace("-\n", "")
    if "&" in text:
        for entity, character in (("&quot;", '"'), ("&amp;", "&"), ("&lt;", "<"), ("&gt;", ">")):
            text = text.replace(entity, character)
    return text.split()


def _parts_13a(words: Sequence[str]) -> list[list[str]]:
    """Apply the rules to many words at once."""
    # No rule looks further than one character, or sees in the whitespace about a word more than
    # that it is no digit, or takes a line break away. So words on lines of their own are split as
    # they are in their text. None of the rules is about letters and digits alone.
    parts = {word: [word] for word in words if word.isalnum()}
    others = [word for word in words if word not in parts]
    lines = "\n".join(["", *others, ""])
    for symbol in SYMBOLS_13A:  # apart, wherever it stands; quicker than a rule
        lines = lines.replace(symbol, f" {symbol} ")
    for rule, spaced in RULES_13A:
        lines = rule.sub(spaced, lines)
    parts.update(zip(others, map(str.split, lines.split("\n")[1:-1]), strict=True))
    return [parts[word] for word in words]


TOKENIZERS: dict[str, Tokenizer] = {
    "whitespace": Tokenizer(str.split),
    "13a": Tokenizer(_words_13a, _parts_13a),
}
"""``whitespace``: as written. ``13a``: as NIST's mteval-v13a.pl does, sacreBLEU's default."""
