"""The faster math-verify of the workers against its own self, each in a process of its own."""

import gzip
import json
import random
import re
import subprocess
import sys
from itertools import permutations
from pathlib import Path

import pytest

DATA = Path(__file__).resolve().parents[4] / "shared" / "data"
TEXTS = [
    "x^2+1", "x^{2}y_1^3", "x_1^2", "a^b_c", "x+", "x^", "(1,2", r"\frac{1}{", "}{", "x_", "|x|",
    "hello world", "12 apples", r"\sqrt", r"\sin^2 x", "a,b,c", "f(x)=x^2", r"\log_2 3", "n!",
    "1<x<3", r"\{1,2\}", "[1,2)", r"A\cup B", r"(0,1)\cup(2,3)", r"x\in\{1,2\}", "5:3", r"5\%",
    r"\int_0^1 x dx", r"\sum_{i=1}^n i", r"\begin{pmatrix} 1 & x^2 \\ 0 & 1 \end{pmatrix}", "1,000",
    "1.2.3", "007", "1e3", "x=1,y=2", r"\pm 3", "", " ", "²", "x\N{MINUS SIGN}1", r"\text{no}",
    r"\frac{d}{dx} x^2", "$5$ or $6$",
]  # fmt: skip
RELATED = [  # much here is equal to something else here
    "x=5", "x=5.0", "5", "5=x", "y=5", "y=2x+3", "2x+3=y", "y-2x=3", "y=2x+4", "2x+3", "2x+3y-z=4",
    "z=2x+3y-4", "4x+6y-2z=8", "2x+3y-z=5", "x+1=x", "y+1=y", "x^2=4", r"x=\pm 2", "x<3", "3>x",
    "x+1<4", r"x\le 3", "1<x<3", "(1,3)", r"x\in(1,3)", "(x+1)^2", "x^2+2x+1", r"\sqrt{x^2}", "x",
    "|x|", r"\sin^2 x+\cos^2 x", "1", r"\begin{pmatrix} 1 \\ 2 \end{pmatrix}", "(x,y)", "(x,y+1)",
    r"\begin{pmatrix} 1 \\ \frac{4}{2} \end{pmatrix}", r"\begin{pmatrix} 1 \\ 3 \end{pmatrix}",
    "f(x)=x+1", "f(x)=1+x", "xy", "yx", r"50\%", "0.5", r"\frac{x}{0}", r"(1,2)\cup(2,3)",
    r"(2,3)\cup(1,2)", r"\frac{2}{\sqrt{2}}", r"\sqrt{2}", "1.414214", r"\log 100", "2", "1,2",
]  # fmt: skip
ASK = r"""
import json, sys
from math_verify import parse, verify
from sympy import srepr
if sys.argv[1] == "quick":
    import workbench.tasks.math_worker as worker
    from workbench.tasks.math_answers import answers_equal
else:
    def answers_equal(gold, answer):
        return verify(*(parse(f"${text}$", parsing_timeout=None) for text in (gold, answer)),
                      timeout_seconds=None)
def read(text):
    try:
        found = parse(f"${text}$", parsing_timeout=None, raise_on_error=True)
    except Exception as error:
        return type(error).__name__
    return [each if isinstance(each, str) else srepr(each) for each in found]
def used():
    count = {True: 0, False: 0}
    math = worker.TwoStageParser.math
    def counted(self):
        tree = math(self)
        count[self.full_context] += 1
        return tree
    worker.TwoStageParser.math = counted
    before = worker._cached_solutions.cache_info().hits
    for text in (r"(1,\frac{\pi}{9})", "3x^2-5x", r"\int x dx"):
        parse(f"${text}$", parsing_timeout=None)
    worker.TwoStageParser.math = math
    for gold in ("2x+3y-z=7", "2x+3y-z=8"):
        worker.answers_equal(gold, "2x+3y-z=9")
    found = worker._cached_solutions.cache_info().hits - before
    return [*count.values(), worker._cached_number.cache_info().hits > 0, found]
texts, pairs = json.load(sys.stdin)
first = used() if sys.argv[1] == "quick" else None
print(json.dumps([[read(text) for text in texts], [answers_equal(*pair) for pair in pairs], first]))
"""


def ask(how, texts, pairs):
    """How each text is read, whether each pair is equal, and what was used of the worker."""
    done = subprocess.run(
        [sys.executable, "-c", ASK, how], input=json.dumps([texts, pairs]), capture_output=True,
        text=True, check=True,
    )  # fmt: skip
    return json.loads(done.stdout)


def real_texts():
    """Formulas of real solutions, where they are."""
    found = set()
    path = DATA / "problems" / "math500.jsonl"
    if path.exists():
        for line in path.read_text("utf-8").splitlines():
            row = json.loads(line)
            found |= {row["answer"], *re.findall(r"\$([^$\n]{1,40})\$", row["solution"])[-2:]}
    path = DATA / "generations" / "math100_qwen_rm_8x.jsonl.gz"
    if path.exists():
        with gzip.open(path, "rt", encoding="utf-8") as lines:
            for line in lines:
                found |= set(re.findall(r"\\\((.{1,40}?)\\\)", json.loads(line)["text"])[-1:])
    return sorted(found)


@pytest.fixture(scope="module")
def texts():
    rng = random.Random(1)
    real = real_texts()
    texts = TEXTS + RELATED + rng.sample(real, min(30, len(real)))
    pieces = ["^2", "_1", "x", "+", "(", ")", "{", "}", r"\frac", ",", "=", "[", "|", "!", r"\pi"]
    for text in rng.sample(texts, 15):  # slips of a model
        place = rng.randrange(len(text) + 1)
        texts.append(text[:place] + rng.choice(pieces) + text[place:])
        texts.append(text[:place] + text[place + 1 :])
    return texts


@pytest.fixture(scope="module")
def pairs():
    near = [pair for at in range(len(RELATED)) for pair in permutations(RELATED[at : at + 3], 2)]
    return [*dict.fromkeys(near), *random.Random(2).sample([*permutations(RELATED, 2)], 40)]


@pytest.fixture(scope="module")
def quick(texts, pairs):
    return ask("quick", texts, pairs)


@pytest.fixture(scope="module")
def plain(texts, pairs):
    return ask("plain", texts, pairs)


def test_every_text_is_read_as_math_verify_reads_it(texts, quick, plain):
    differ = [(text, q, p) for text, q, p in zip(texts, quick[0], plain[0], strict=True) if q != p]
    assert not differ
    assert len({str(found) for found in plain[0]}) > len(texts) / 3  # not all are unreadable


def test_every_verdict_is_math_verify_s(pairs, quick, plain):
    differ = [(*pair, q, p) for pair, q, p in zip(pairs, quick[1], plain[1], strict=True) if q != p]
    # but where the form of both decides: an interval is its inequality, and words are no products
    assert {frozenset(pair) for *pair, _, _ in differ} == {
        frozenset({"(1,3)", "1<x<3"}), frozenset({r"x\in(1,3)", "1<x<3"}), frozenset({"xy", "yx"}),
    }  # fmt: skip
    assert sum(plain[1]) > 20  # right answers are among them


def test_most_is_read_without_looking_around_and_an_equation_is_solved_once(quick):
    assert quick[2] == [1, 2, True, 1]
