"""Task ``math500``: competition mathematics, from MATH-500 on the hub or a local JSONL file.

Answers are LaTeX, and math-verify says whether two of them are equal.
"""

from __future__ import annotations

from workbench.config import schema as config
from workbench.core.types import Problem
from workbench.tasks.checkers import CHECKERS, Checker
from workbench.tasks.math_answers import extract_answer
from workbench.tasks.problem_files import (
    first_problems,
    local_path,
    missing_file,
    parse_record,
    read_hub,
    read_jsonl,
)
from workbench.tasks.prompts import require_examples
from workbench.tasks.task import Example

HUB_NAME = "HuggingFaceH4/MATH-500"
PREFIX = "math500"
"""Problems without an id of their own are math500-0, math500-1, ..."""
INSTRUCTION = r"Solve the problem step by step, and put your final answer in \boxed{}."
INSTEAD = (
    "without the network, set task.source to a local JSONL file with the keys 'problem' and "
    "'answer'"
)

# Four of our own, one each of algebra, number theory, counting and geometry, in the manner of the
# worked solutions of MATH (Hendrycks et al. 2021): short prose, LaTeX, the answer in a box.
EXAMPLES = (
    Example(
        "If $3x - 7 = 2x + 5$, what is the value of $x^2$?",
        "Subtracting $2x$ from both sides gives $x - 7 = 5$, so $x = 12$. "
        r"Therefore $x^2 = 144$. The final answer is $\boxed{144}$.",
    ),
    Example(
        "What is the remainder when $7^{10}$ is divided by $8$?",
        r"Since $7 \equiv -1 \pmod 8$, we have $7^{10} \equiv (-1)^{10} = 1 \pmod 8$. "
        r"The final answer is $\boxed{1}$.",
    ),
    Example(
        "Two fair coins and one fair six-sided die are thrown. What is the probability that both "
        "coins show heads and the die shows a number greater than $4$? "
        "Give your answer as a common fraction.",
        r"Both coins show heads with probability $\frac{1}{2} \cdot \frac{1}{2} = \frac{1}{4}$, "
        r"and the die shows $5$ or $6$ with probability $\frac{2}{6} = \frac{1}{3}$. "
        r"The two are independent, so the probability is $\frac{1}{4} \cdot \frac{1}{3} = "
        r"\frac{1}{12}$. The final answer is $\boxed{\frac{1}{12}}$.",
    ),
    Example(
        "A square has a diagonal of length $6$. What is the length of one of its sides?",
        r"A square of side $s$ has a diagonal of length $s\sqrt{2}$, so $s\sqrt{2} = 6$ and "
        r"$s = \frac{6}{\sqrt{2}} = 3\sqrt{2}$. The final answer is $\boxed{3\sqrt{2}}$.",
    ),
)


def check(settings: config.TaskSettings) -> None:
    """Raise ValueError for options (there are none), a missing file or too many examples."""
    faults = [f"options.{name}: unknown option; task math500 has none" for name in settings.options]
    path = local_path(settings.source)
    if path is not None:
        faults += missing_file("source", path, f", and without source it is {HUB_NAME} of the hub")
    try:
        require_examples(settings, len(EXAMPLES))
    except ValueError as error:
        faults.append(str(error))
    if faults:
        raise ValueError("\n".join(faults))


def load(settings: config.TaskSettings) -> list[Problem]:
    """Return the first ``num_problems`` problems of a local file, or of the hub's test split.

    Raises:
        ValueError: the file is not a valid problem file, the hub cannot be reached, or there are
            fewer problems than are asked for.
    """
    check(settings)
    path = local_path(settings.source)
    if path is not None:
        return first_problems(settings, path, read_jsonl(path, PREFIX))
    name = settings.source or HUB_NAME
    return first_problems(
        settings, name, read_hub(name, "test", PREFIX, parse_record, instead=INSTEAD)
    )


def on_hub(settings: config.TaskSettings) -> bool:
    """Say whether the problems have to be fetched from the hub."""
    return local_path(settings.source) is None


def examples(settings: config.TaskSettings) -> list[Example]:
    """Return four worked examples; no setting changes them."""
    return list(EXAMPLES)


def extract(text: str, settings: config.TaskSettings) -> tuple[str | None, str]:
    """Return the answer of a completion and the rule that found it."""
    return extract_answer(text, last_number=settings.last_number)


def checker(settings: config.TaskSettings) -> Checker:
    """Return math-verify's comparison."""
    return CHECKERS["math"]
