import pytest

from workbench.analysis.page.code_colours import MOST_LETTERS, code_blocks


@pytest.mark.parametrize(
    "text",
    [
        "```python\ndef f():\n\treturn '''x'''\n```",
        "a\n```\nx = 1\n```\nb\n```cpp\nint x; // no end",
        "```nosuchlanguage\n1 2 3\n```",
        "```python\n\n\n  x\r\n\n```",
    ],
)
def test_runs_cover_each_block_and_change_nothing(text):
    found = code_blocks(text)
    assert found or "\r" in text  # Pygments makes one line end of two
    for start, *runs in found:
        code = text[start : start + sum(runs[::2])]
        assert text[:start].endswith("\n")
        assert "```" not in code
        assert set(runs[1::2]) <= set(range(6))


def test_where_there_is_no_block_or_too_much_of_it_nothing_is_told_apart():
    assert code_blocks("x = 1") == []
    assert code_blocks("```\n" + "x\n" * MOST_LETTERS + "```") == []
