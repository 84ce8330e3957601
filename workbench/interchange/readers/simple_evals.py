"""Results of simple-evals with all conversations: ``EVAL_MODEL_DATE_allresults.json``.

``convos`` has the messages of each sample, the response last; the known answer, the answer found
and the score are only in the page that ``htmls`` has of it. Samples with the same prompt are one
problem. Scores other than 0 and 1 are marks: they are read as rewards, and correctness is unknown.
The model is in the file's name. The smaller ``.json`` beside it has means only, and no file has the
temperature.
Source: https://github.com/openai/simple-evals, ``common.py`` (``HTML_JINJA``) and
``simple_evals.py``.
"""

import hashlib
import html
import json
import re
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

from workbench.interchange.readers.inspect_scores import Scale, as_number
from workbench.interchange.readers.json_members import stream_under
from workbench.interchange.readers.records import LocatedRecord, Record, say_once, split_row

INTERPRETATION = (
    "conversations as samples, of the same prompt as one problem; scores of 0 and 1 as "
    "correctness, others as rewards; known and found answers as the pages show them; the model by "
    "the file's name"
)
NAME = re.compile(r"(?:healthbench_(?:hard|consensus|meta)|[^_]+)_(.+)_\d{8}_\d{6}.*_allresults")
"""Of ``EVAL_MODEL_DATE_TIME_allresults.json``: the model."""
SHOWN = {
    "gold": re.compile(r"<p>Correct Answer: (.*?)</p>", re.DOTALL),
    "answer": re.compile(r"<p>Extracted Answer: (.*?)</p>", re.DOTALL),
    "score": re.compile(r"<p>Score: (.*?)</p>", re.DOTALL),
}


def read(path: Path) -> Iterator[LocatedRecord]:
    """Yield the samples of a file; ValueError if it is damaged."""
    shown = [_shown(page) for keys, page in stream_under(path, "htmls") if keys == ("htmls",)]
    scale = Scale()
    for one in shown:
        scale.add(one["score"])
    if scale.has_marks:
        say_once(f"{path.name}: {scale.remark(path.name.partition('_')[0])}")
    problems: dict[bytes, str] = {}
    named, number = NAME.match(path.name), 0
    model = named[1] if named else None
    for keys, messages in stream_under(path, "convos"):
        if keys == ("convos",):
            own = shown[number] if number < len(shown) else _shown("")
            number += 1
            split = partial(_sample, messages=messages, scale=scale, problems=problems)
            yield from split_row(
                (f"conversation {number}", own | {"model": model}), split,
                "not in the known form of simple-evals",
            )  # fmt: skip


def _shown(page: Any) -> Record:
    """Return what a sample's page shows of it."""
    found = {name: re.search(pattern, str(page)) for name, pattern in SHOWN.items()}
    texts = {name: html.unescape(match[1]) if match else None for name, match in found.items()}
    score = {"True": 1.0, "False": 0.0}.get(str(texts["score"]), texts["score"])
    return texts | {"score": as_number(score)}


def _sample(
    own: Record, messages: Any, scale: Scale, problems: dict[bytes, str]
) -> Iterator[tuple[str, Record]]:
    *prompt, response = messages
    key = hashlib.blake2b(json.dumps(prompt).encode(), digest_size=16).digest()
    asked = [message["content"] for message in prompt if message["role"] == "user"]
    answer = None if own["answer"] == "None" else own["answer"]
    yield (
        "",
        {
            "problem_id": problems.setdefault(key, f"problem-{len(problems)}"),
            "problem": _text(asked[-1]) if asked else None,
            "text": _text(response["content"]),
            "model": own["model"],
            "gold": None if scale.has_marks else own["gold"],
            "answer": answer,
            "correct": scale.correct(own["score"]),
            "reward": scale.reward(own["score"]) if scale.has_marks else None,
        },
    )


def _text(content: Any) -> str:
    """Return the text of a message, whose content is a string or a list of parts."""
    if isinstance(content, str):
        return content
    return "\n".join(part["text"] for part in content or [] if "text" in part)
