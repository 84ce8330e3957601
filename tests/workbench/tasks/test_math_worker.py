"""The faster reading of LaTeX against math-verify's own, text by text, each in its process."""

import gzip
import json
import random
import re
import subprocess
import sys
from pathlib import Path

DATA = Path(__file__).resolve().parents[4] / "shared" / "data"
TEXTS = [
    "x^2+1", "x^{2}y_1^3", "x_1^2", "a^b_c", "x+", "x^", "(1,2", r"\frac{1}{", "}{", "x_", "|x|",
    "hello world", "12 apples", r"\sqrt", r"\sin^2 x", "a,b,c", "f(x)=x^2", r"\log_2 3", "n!",
    "1<x<3", r"\{1,2\}", "[1,2)", r"A\cup B", r"(0,1)\cup(2,3)", r"x\in\{1,2\}", "5:3", r"5\%",
    r"\int_0^1 x dx", r"\sum_{i=1}^n i", r"\begin{pmatrix} 1 & x^2 \\ 0 & 1 \end{pmatrix}", "1,000",
    "1.2.3", "007", "1e3", "x=1,y=2", r"\pm 3", "", " ", "²", "x\N{MINUS SIGN}1", r"\text{no}",
    r"\frac{d}{dx} x^2", "$5$ or $6$",
]  # fmt: skip
READ = """
import json, sys
from math_verify import parse
from sympy import srepr
if sys.argv[1] == "quick":
    import workbench.tasks.math_worker
def read(text):
    try:
        found = parse(f"${text}$", parsing_timeout=None, raise_on_error=True)
    except Exception as error:
        return type(error).__name__
    return [each if isinstance(each, str) else srepr(each) for each in found]
print(json.dumps([read(text) for text in json.load(sys.stdin)]))
"""
USED = """
import workbench.tasks.math_worker as worker
from math_verify import parse
count = {True: 0, False: 0}
math = worker.QuickParser.math
def counted(self):
    tree = math(self)
    count[self.careful] += 1
    return tree
worker.QuickParser.math = counted
for text in (r"(1,\\\\frac{\\\\pi}{9})", "3x^2-5x", r"\\\\int x dx"):
    parse(f"${text}$", parsing_timeout=None)
print(count[True], count[False], worker._number.cache_info().hits > 0)
"""


def read(how, texts):
    done = subprocess.run(
        [sys.executable, "-c", READ, how], input=json.dumps(texts), capture_output=True, text=True,
        check=True,
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


def test_every_text_is_read_as_math_verify_reads_it():
    rng = random.Random(1)
    real = real_texts()
    texts = TEXTS + rng.sample(real, min(250, len(real)))
    pieces = ["^2", "_1", "x", "+", "(", ")", "{", "}", r"\frac", ",", "=", "[", "|", "!", r"\pi"]
    for text in rng.sample(texts, 100 if real else 40):  # slips of a model
        place = rng.randrange(len(text) + 1)
        texts.append(text[:place] + rng.choice(pieces) + text[place:])
        texts.append(text[:place] + text[place + 1 :])
    quick, plain = read("quick", texts), read("plain", texts)
    differ = [(text, q, p) for text, q, p in zip(texts, quick, plain, strict=True) if q != p]
    assert not differ
    assert len({str(found) for found in plain}) > len(texts) / 3  # they are not all unreadable


def test_most_is_read_without_looking_around():
    done = subprocess.run([sys.executable, "-c", USED], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["1", "2", "True"]
