"""Code in answers, told apart by Pygments into a few kinds that a page gives colours."""

from __future__ import annotations

import re
from functools import lru_cache

from pygments.lexer import Lexer
from pygments.lexers import get_lexer_by_name
from pygments.token import Comment, Keyword, Name, Number, String, _TokenType
from pygments.util import ClassNotFound

FENCED = re.compile(r"^[ \t]*```[ \t]*([\w+#.-]*)[^\n]*\n(.*?)(?:^[ \t]*```[^\n]*|\Z)", re.S | re.M)
"""A block of code between two lines of three backticks; the last may lack its end."""
KINDS = ((Keyword, 1), (String, 2), (Comment, 3), (Number, 4), (Name.Function, 5), (Name.Class, 5))
"""The kinds, in numbers, as ``typesetting.js`` names them; all else is 0."""
MOST_LETTERS = 20_000
"""Letters of code in one text that are told apart."""


@lru_cache
def _lexer(language: str) -> Lexer:
    try:
        return get_lexer_by_name(language or "python", stripnl=False, ensurenl=False)
    except ClassNotFound:
        return get_lexer_by_name("text", stripnl=False, ensurenl=False)


def code_blocks(text: str) -> list[list[int]]:
    r"""Return the blocks of code in a text: where each begins, then length and kind of its runs.

    Example:
        >>> code_blocks("So:\n```python\nreturn 1\n```")
        [[14, 6, 1, 1, 0, 1, 4, 1, 0]]
    """
    found = []
    for block in FENCED.finditer(text) if "```" in text else ():
        if block.end() > MOST_LETTERS:
            break
        if runs := code_runs(block[2], block[1].lower()):
            found.append([block.start(2), *runs])
    return found


def code_runs(code: str, language: str) -> list[int]:
    """Return length and kind of the runs of some code; nothing where it cannot be told apart.

    Example:
        >>> code_runs("return 1", "python")
        [6, 1, 1, 0, 1, 4]
    """
    if len(code) > MOST_LETTERS:
        return []
    runs: list[int] = []
    for token, part in _lexer(language).get_tokens(code):
        kind = _kind(token)
        if runs and runs[-1] == kind:
            runs[-2] += len(part)
        else:
            runs += [len(part), kind]
    return runs if sum(runs[::2]) == len(code) else []  # a lexer may change its text


def _kind(token: _TokenType) -> int:
    return next((kind for parent, kind in KINDS if token in parent), 0)
