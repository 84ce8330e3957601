"""Whether a column ``answer`` is the known answer of a problem or what each sample answered."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

from workbench.config.schema import TaskSettings
from workbench.core.thinking import FAMILIES, split_thought
from workbench.interchange.column_values import typed, value_at
from workbench.interchange.readers.records import Record
from workbench.tasks import TASKS
from workbench.tasks.gold_kinds import options_of_golds

MOST_MISREAD = 0.1
"""Share of texts in which an answer may be found that is another than the sample's own."""
MARKERS = list(FAMILIES.values())


def is_known_answer(rows: Iterable[Record], theirs: Mapping[str, str]) -> bool:
    r"""Say whether a column is surely that of the known answers, by the first rows of a file.

    It has one answer for each problem, and the texts of a problem say others, or some samples of a
    problem are right and others wrong. Where all texts say the same as the column, or none says
    anything, it may be of either kind: False.

    Args:
        rows: samples.
        theirs: our names ``problem_id``, ``text``, ``answer``, ``correct`` -> the file's columns.

    Example:
        >>> rows = [{"id": 1, "text": rf"It is \boxed{{{n}}}", "answer": 4} for n in (4, 5)]
        >>> is_known_answer(rows, {"problem_id": "id", "text": "text", "answer": "answer"})
        True
        >>> is_known_answer(rows[:1], {"problem_id": "id", "text": "text", "answer": "answer"})
        False
    """
    texts, answers, verdicts = (defaultdict[str, set[Any]](set) for _ in range(3))
    for row in rows:
        text, answer = value_at(row, theirs["text"]), value_at(row, theirs["answer"])
        if isinstance(text, str) and isinstance(answer, str | int | float):
            problem = str(value_at(row, theirs["problem_id"]))
            correct = typed("correct", value_at(row, theirs.get("correct", "correct")))
            texts[problem].add(text)
            answers[problem].add(str(answer))
            verdicts[problem].add(bool(correct) if correct in (0, 1) else None)
    several = [problem for problem in texts if len(texts[problem]) > 1]
    if not several or any(len(different) > 1 for different in answers.values()):
        return False
    if any({True, False} <= verdicts[problem] for problem in several):
        return True
    known = {problem: next(iter(answers[problem])) for problem in several}
    task = TaskSettings(name="jsonl", options=options_of_golds(known.values())[0])
    checker = TASKS["jsonl"].checker(task)
    equal = checker.quick or checker.equal
    agree = []
    for name, answer in known.items():
        for text in texts[name]:
            said, _ = TASKS["jsonl"].extract(split_thought(text, MARKERS).answer, task)
            if said is not None:
                agree.append(equal(checker.canonical(answer), checker.canonical(said)))
    return agree.count(False) > MOST_MISREAD * len(agree)
