"""Task ``math500``: competition mathematics, from MATH-500 on the hub or a local JSONL file.

Answers are LaTeX, and math-verify says whether two of them are equal.
"""

from __future__ import annotations

from workbench.config import schema as config
from workbench.core.types import Problem
from workbench.tasks.problem_files import HubDataset, first_problems, local_path
from workbench.tasks.task import Example
from workbench.tasks.worked_examples import raise_faults

INSTRUCTION = r"Solve the problem step by step, and put your final answer in \boxed{}."
DATASET = HubDataset(
    name="HuggingFaceH4/MATH-500",
    prefix="math500",
    instead="without the network, set task.source to a local JSONL file with the keys 'problem' "
    "and 'answer'",
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
    raise_faults(faults + DATASET.faults(settings.source), settings, len(EXAMPLES))


def load(settings: config.TaskSettings) -> list[Problem]:
    """Return the first ``num_problems`` problems of a local file, or of the hub's test split."""
    check(settings)
    source = local_path(settings.source) or settings.source or DATASET.name
    return first_problems(settings, source, DATASET.read(settings.source, "test"))


def examples(settings: config.TaskSettings) -> list[Example]:
    """Return four worked examples; no setting changes them."""
    return list(EXAMPLES)
