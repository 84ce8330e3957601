"""Checking answers: correctness and clusters of a block, against math-verify called in a loop."""

from __future__ import annotations

import gzip
import json
import random
import re
import statistics
import sys
import time
from collections.abc import Iterator
from functools import partial

import pyarrow as pa
from math_verify import parse, verify

from tests.bench import DATA, Row
from tests.workbench.tasks.plain_clusters import cluster_answers
from workbench.config.schema import TaskSettings
from workbench.core.types import Known, Problem
from workbench.score.grading import Graded, grade
from workbench.tasks.answer_checking import Comparer
from workbench.tasks.checkers import CHECKERS
from workbench.tasks.math_answers import answers_equal, canonical_answer

PROBLEMS, ANSWERS = 500, 20
Problems = list[tuple[str, list[str]]]
"""The known answer, and what each sample answers."""


def rows(full: bool) -> Iterator[Row]:
    """Time 10,000 answers to MATH and to GSM8K, in the middle of a stage: workers are warm."""
    files = [DATA / "problems" / "math500.jsonl", DATA / "problems" / "gsm8k_test.jsonl",
             DATA / "generations" / "math100_qwen_rm_8x.jsonl.gz"]  # fmt: skip
    if missing := [path for path in files if not path.exists()]:
        print(f"answer checking is left out: there is no {missing[0]}", file=sys.stderr)
        return
    rng = random.Random(0)
    golds = [json.loads(line)["answer"] for line in files[0].read_text("utf-8").splitlines()]
    real = _real(files[2], rng)
    made = [(gold, _answers(gold, golds, rng)) for gold in golds]
    beyond = PROBLEMS - len(real)
    yield _row("MATH", real + made[:beyond], before=made[beyond:])
    lines = files[1].read_text("utf-8").splitlines()[: PROBLEMS + 50]
    golds = [json.loads(line)["gold"] for line in lines]
    made = [(gold, _answers(gold, golds, rng)) for gold in golds]
    yield _row("GSM8K", made[:PROBLEMS], before=[*made[PROBLEMS:], ("x+1", ["1+x"])])
    yield _one_problem("many of them infinite sums", r"\frac{\pi^2}{6}-1", _hard())
    several = [rf"\frac{{{n}}}{{{n + 1}}}+\sqrt{{{n}}}" for n in range(1, 1025)]
    yield _one_problem("all of them closed forms", several[33], several)


def _real(path: object, rng: random.Random) -> Problems:
    """Problems with what a model answered eight times, drawn from again to the number wanted."""
    given: dict[tuple[str, str], list[str]] = {}
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        for row in map(json.loads, lines):
            given.setdefault((row["problem_id"], row["gold"]), []).append(row["answer"])
    return [(gold, rng.choices(found, k=ANSWERS)) for (_, gold), found in given.items()]


def _answers(gold: str, golds: list[str], rng: random.Random) -> list[str]:
    """Make answers to a problem: right ones in a few spellings, slips and other problems' answers.

    Two to five distinct texts, the first as common as the next two together, as samples have them.
    """
    distinct = [gold, _spelt(gold, rng)]
    for _ in range(rng.randrange(4)):
        distinct.append(_slip(gold, rng) if rng.random() < 0.75 else rng.choice(golds))
    rng.shuffle(distinct)
    weights = [1 / place for place in range(1, len(distinct) + 1)]
    return rng.choices(distinct, weights, k=ANSWERS)


def _spelt(gold: str, rng: random.Random) -> str:
    """Return the same answer as another model may write it."""
    others = [
        gold.replace(r"\frac", r"\dfrac"),
        re.sub(r"(?<![a-zA-Z])\s+|\s+(?![a-zA-Z])", "", gold),
        gold if "/" not in gold else re.sub(r"(\d+)/(\d+)", r"\\frac{\1}{\2}", gold),
        gold if not gold.isdigit() else f"{gold}.00",
    ]
    return rng.choice(others)


def _slip(gold: str, rng: random.Random) -> str:
    """Return an answer with one digit changed."""
    digits = list(re.finditer(r"\d", gold))
    if not digits:
        return f"{gold}+1"
    at = rng.choice(digits)
    return gold[: at.start()] + str((int(at[0]) + rng.randrange(1, 9)) % 10) + gold[at.end() :]


def _row(name: str, problems: Problems, before: Problems) -> Row:
    """Time ours in three fresh sets of workers, and the peer once; both have checked others before.

    Ours is all of a block: reading the answer off each text, correctness, and clusters.
    """
    taken = []
    for _ in range(3):
        with Comparer(CHECKERS["math"]) as comparer:
            _graded(before, comparer)
            start = time.perf_counter()
            ours = _graded(problems, comparer)
            taken.append(time.perf_counter() - start)
    _loop(before)
    start = time.perf_counter()
    theirs = _loop(problems)
    peer = time.perf_counter() - start
    differing = _differing(problems, ours, theirs)
    return Row(
        f"{PROBLEMS * ANSWERS:,} answers to {PROBLEMS} {name} problems checked, workers warm",
        f"{statistics.median(taken):.2f} s, with clusters",
        f"{peer:.1f} s (math-verify in a loop; {differing} verdicts differ)",
        peer / statistics.median(taken),
        "at least 10 x",
    )


def _hard() -> list[str]:
    """Return 161 answers that take a computer algebra system seconds each, or for ever."""
    return [
        *(rf"\sum_{{k=1}}^{{\infty}} \frac{{1}}{{k^2+{n}}}" for n in range(61)),
        *(rf"\int_0^{{{n}}} e^{{-x^2}} \cos(x) dx" for n in range(1, 41)),
        *(rf"\prod_{{k=1}}^{{{n}}} (1+\frac{{1}}{{k^3}})" for n in range(2, 32)),
        *(rf"\sqrt{{{n}+\sqrt{{{n + 1}+\sqrt{{{n + 2}}}}}}}" for n in range(30)),
    ]


def _one_problem(kind: str, gold: str, answers: list[str]) -> Row:
    """Time a pool whose answers all differ: every two of them would have to be compared."""
    with Comparer(CHECKERS["math"]) as comparer:
        _graded([("x+1", ["1+x"])], comparer)
        start = time.perf_counter()
        graded = _graded([(gold, answers)], comparer)
        taken = time.perf_counter() - start
    undecided = graded.statuses.count("timeout")
    return Row(
        f"{len(answers):,} distinct answers to one problem, {kind}",
        f"{taken:.1f} s, {undecided} of them not decided",
        "",
        None,
        "under 60 s",
    )


def _graded(problems: Problems, comparer: Comparer) -> Graded:
    known = {f"{i}": Known(Problem(f"{i}", "?", gold), "") for i, (gold, _) in enumerate(problems)}
    samples = pa.table({
        "problem_id": [f"{i}" for i, (_, answers) in enumerate(problems) for _ in answers],
        "completion": [rf"It is \boxed{{{a}}}." for _, answers in problems for a in answers],
        "stop_reason": ["stop"] * sum(len(answers) for _, answers in problems),
    })  # fmt: skip
    return grade(samples, known, TaskSettings(name="math500"), None, comparer)


def _loop(problems: Problems) -> list[bool]:
    """Check as math-verify's README shows, with its own time limits."""
    return [
        verify(parse(f"${gold}$"), parse(f"${answer}$"))
        for gold, answers in problems
        for answer in answers
    ]


def _differing(problems: Problems, ours: Graded, peer: list[bool]) -> int:
    """Return how many verdicts differ from the peer's, having checked ours against plain loops.

    Raises:
        ValueError: ours are not what the functions for one pair and one pool say.
    """
    pairs = [(gold, answer) for gold, answers in problems for answer in answers]
    if ours.correct != [answers_equal(*pair) for pair in pairs]:
        raise ValueError("the verdicts are not those of answers_equal, pair by pair")
    clusters = partial(cluster_answers, canonical=canonical_answer, equal=answers_equal)
    if ours.clusters != [place for _, answers in problems for place in clusters(answers)]:
        raise ValueError("the clusters are not those of cluster_answers, pool by pool")
    return sum(one is not other for one, other in zip(ours.correct, peer, strict=True))
