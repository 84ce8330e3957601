"""Formulae are typeset, amounts of dollars are not, and what cannot be read is shown as written."""

import json
from importlib.util import find_spec

import pytest

from workbench.analysis.page import html
from workbench.analysis.page.report import write_report
from workbench.analysis.page.typesetting import CARRIER, has_formula, katex, needed_fonts

TEXTS = [
    r"So $\frac{1}{2} + x^2$ at $5 and $6, $n$ times; \[\mathcal{O}(n)\] and \(y\).",
    r"Wrong: $\frac{1}{$ and \(\nosuchcommand{2}\); $5, or 10$ of them, US$3+$4=$7, \$x\$.",
    "```python\ndef f(x):\n    return 'é 😀' # $x^2$\n```\nIt is 8.",
]
FORMULAE = [[r"$\frac{1}{2} + x^2$", "$n$", r"\[\mathcal{O}(n)\]", r"\(y\)"], [], []]

needs_katex = pytest.mark.skipif(
    find_spec(CARRIER) is None, reason=f"{CARRIER}, which carries KaTeX, is not installed"
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (r"\(x\)", True),
        ("$x$", True),
        ("$$x$$", True),
        (r"\begin{align}x\end{align}", True),
        ("It costs $5 and $6", False),
        ("$5-$6", False),
        ("US$5, A$6", False),
        (r"\$5\$", False),
        ("no formula", False),
    ],
)
def test_only_what_may_be_a_formula_asks_for_katex(text, expected):
    assert has_formula(text) == expected


def test_fonts_are_those_that_are_asked_for():
    assert needed_fonts(r"$\mathcal{L}$ \mathbf{x}") == {
        "Caligraphic", "Main-Bold", "Math-BoldItalic",
    }  # fmt: skip
    assert needed_fonts("$x$") == set()


@needs_katex
def test_only_needed_fonts_are_inside_and_nothing_is_fetched():
    plain, more = katex([]), katex(["Fraktur"])
    assert plain["style"].count("@font-face") == 7
    assert more["style"].count("@font-face") == 9  # and its bold
    assert "url(fonts" not in more["style"]
    assert more["style"].count("url(data:font/woff2;base64,") == 9


@pytest.fixture
def run_of_texts(cli, tmp_path):
    rows = [
        {"problem_id": "p", "problem": "Find $x$ for $5 or $6.", "gold": "8", "temperature": 1.0,
         "sample_index": place, "text": text}
        for place, text in enumerate(TEXTS)
    ]  # fmt: skip
    (tmp_path / "samples.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    cli.must("import", tmp_path / "samples.jsonl", "--out", tmp_path / "run")
    return tmp_path / "run"


@needs_katex
def test_formulae_are_typeset_and_their_source_is_a_click_away(visit, run_of_texts):
    page = visit(write_report(run_of_texts))
    page.wait_for_selector("#question .katex")
    page.wait_for_selector(".sample .katex")
    for place, sources in enumerate(FORMULAE):
        sample = page.locator(f".sample[data-text='{place}'] .text")
        found = sample.locator(".formula")
        assert found.evaluate_all("all => all.map(one => one.dataset.source)") == sources
        if not sources:
            assert sample.text_content() == TEXTS[place]
    assert "at $5 and $6, " in page.locator(".sample[data-text='0'] .text").text_content()
    assert page.locator("#question .formula").count() == 1
    assert page.evaluate("document.fonts.ready.then(() => document.fonts.check('16px KaTeX_Main'))")
    page.get_by_label("Typeset formulae").uncheck()
    page.wait_for_function("!document.querySelector('.katex')")
    assert page.locator(".sample .text").all_text_contents() == TEXTS
    assert visit.wrong == []


def test_without_katex_the_page_shows_source_and_says_why(run_of_texts, monkeypatch):
    monkeypatch.setattr(html, "katex", lambda fonts: {})
    text = write_report(run_of_texts).read_text()
    assert "Formulae are shown as they are written" in text
    assert 'id="typeset"' not in text


def test_code_is_coloured_and_unchanged(visit, run_of_texts):
    page = visit(write_report(run_of_texts))
    code = page.locator(".sample[data-text='2'] code")
    code.wait_for()
    assert code.text_content() == TEXTS[2].split("```")[1].partition("\n")[2]
    assert code.locator(".code-keyword").all_text_contents() == ["def", "return"]
    assert code.locator(".code-string").all_text_contents() == ["'é 😀'"]
    assert code.locator(".code-comment").all_text_contents() == ["# $x^2$"]
    assert visit.wrong == []
