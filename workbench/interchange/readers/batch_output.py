"""Output of OpenAI's batch API and of vLLM's ``run_batch``, with the file of requests beside it.

A line answers one request, which is named by ``custom_id``; its ``response.body`` is as the API for
chat, for completions or for responses answers. The prompt, the temperature, the seed, the
limits and the model asked for are in the file of requests, looked for among the other ``.jsonl``
files of the folder. Requests with the same prompt are one problem, named by the first of them.
Without the file of requests each ``custom_id`` is a problem.
Source: ``vllm/entrypoints/launchers/run_batch.py``, 0.32 (``BatchRequestOutput``);
https://platform.openai.com/docs/api-reference/batch.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any

from workbench.interchange.readers import jsonl
from workbench.interchange.readers.records import (
    LocatedRecord,
    Record,
    limits_of,
    say_once,
    split_row,
)
from workbench.tasks.problem_files import parse_object

INTERPRETATION = (
    "choices as samples; requests with the same prompt as one problem; prompt, temperature and "
    "seed by the file of requests beside it; a request that failed as an error"
)
MOST_SIBLINGS = 1000
"""Files of a folder among which the requests are looked for."""


class Requests:
    """The requests of a file, which are read when they are asked for."""

    def __init__(self, path: Path) -> None:
        """Find where in the file each request is."""
        self._path = path
        self._places: dict[str, int] = {}
        with path.open("rb") as file:
            place = 0
            for line in file:
                if line.strip():
                    self._places[str(json.loads(line)["custom_id"])] = place
                place += len(line)

    def __contains__(self, name: str) -> bool:
        """Say whether there is a request of that name."""
        return name in self._places

    def body(self, name: str) -> Record:
        """Return what was asked for under a name."""
        with self._path.open("rb") as file:
            file.seek(self._places[name])
            body: Record = json.loads(file.readline())["body"]
        return body


def read(path: Path) -> Iterator[LocatedRecord]:
    """Yield the choices of a file's responses; ValueError if it or its requests are damaged."""
    rows = jsonl.read(path)
    first = next(rows, None)
    if first is None:
        return
    name = str(first[1].get("custom_id")) if isinstance(first[1], dict) else ""
    requests = _requests(path, name)
    problems: dict[bytes, str] = {}
    split = partial(_samples, requests=requests, problems=problems)
    for row in chain([first], rows):
        yield from split_row(row, split, "not in the known form of a batch's output")


def beside(path: Path) -> list[Path]:
    """Return the files of requests in the folder of an output."""
    siblings = sorted(path.parent.glob("*.jsonl"))[:MOST_SIBLINGS]
    return [other for other in siblings if other != path and _holds_requests(other)]


def _holds_requests(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return parse_object(file.readline()).keys() >= {"custom_id", "body", "url"}
    except (ValueError, OSError):
        return False


def _requests(path: Path, first: str) -> Requests | None:
    """Return the requests that an output answers; None where no file, or several, may be it."""
    found = []
    for other in beside(path):
        try:
            requests = Requests(other)
        except (ValueError, KeyError, TypeError) as fault:
            raise ValueError(f"{other} is damaged ({fault}); fetch it again") from fault
        if first in requests:
            found.append(requests)
    if len(found) == 1:
        return found[0]
    why = f"{len(found)} files of requests beside it have" if found else "no file beside it has"
    say_once(
        f"{path.name}: {why} the request {first!r}, so that prompts and temperatures are unknown "
        "and each custom_id is a problem; keep the file of its requests in its folder"
    )
    return None


def _samples(
    row: Record, requests: Requests | None, problems: dict[bytes, str]
) -> Iterator[tuple[str, Record]]:
    name = str(row["custom_id"])
    asked = requests.body(name) if requests and name in requests else {}
    response = row["response"] or {}
    body = response.get("body") or {}
    shared = {
        "problem_id": _problem_id(name, asked, problems),
        "problem": _prompt(asked),
        "model": body.get("model") or asked.get("model"),
        "temperature": _number(asked.get("temperature")),
        "seed": asked.get("seed"),
    } | limits_of(asked)
    failure = row.get("error") or body.get("error")
    if failure or response.get("status_code", 200) != 200 or not body:
        reason = failure.get("message") if isinstance(failure, dict) else failure
        reason = reason or f"status {response.get('status_code')}"
        yield "", shared | {"text": "", "stop_reason": "error", "error": reason}
        return
    choices = [*_choices(body)]
    tokens = (body.get("usage") or {}).get("completion_tokens")
    for number, choice in enumerate(choices, start=1):
        if len(choices) == 1 and "token_logprobs" not in choice:
            choice["num_tokens"] = tokens
        yield f"choice {number}" if len(choices) > 1 else "", shared | choice


def _problem_id(name: str, asked: Mapping[str, Any], problems: dict[bytes, str]) -> str:
    prompt = [asked.get(key) for key in ("messages", "prompt", "input")]
    if not any(prompt):
        return name
    key = hashlib.blake2b(json.dumps(prompt, sort_keys=True).encode(), digest_size=16).digest()
    return problems.setdefault(key, name)


def _prompt(asked: Mapping[str, Any]) -> str | None:
    """Return the last message of the user, or the prompt."""
    messages = asked.get("messages") or asked.get("input") or asked.get("prompt")
    if isinstance(messages, list) and messages and isinstance(messages[0], dict):
        said = [message for message in messages if message.get("role") == "user"]
        messages = said[-1].get("content") if said else None
    if isinstance(messages, list):
        messages = "\n".join(part["text"] for part in messages if "text" in part)
    return messages if isinstance(messages, str) else None


def _choices(body: Mapping[str, Any]) -> Iterator[Record]:
    """Yield the columns of each choice of a response to a request for chat, completion or output.

    Raises:
        ValueError: the response has no text, such as one to a request for embeddings.
    """
    if "choices" in body:
        for choice in body["choices"]:
            message, logprobs = choice.get("message") or choice, choice.get("logprobs") or {}
            text = message["content"] if "content" in message else message["text"]
            record = {"text": text or "", "stop_reason": choice.get("finish_reason")}
            record["thought"] = message.get("reasoning_content") or message.get("reasoning")
            given = [token["logprob"] for token in logprobs.get("content") or []]
            if given or logprobs.get("token_logprobs"):
                record["token_logprobs"] = given or logprobs["token_logprobs"]
            yield record
    elif "output" in body:
        parts = [part for item in body["output"] for part in item.get("content") or []]
        text = "".join(part["text"] for part in parts if part.get("type") == "output_text")
        is_whole = body.get("status") != "incomplete"
        yield {"text": text, "stop_reason": "stop" if is_whole else "length"}
    else:
        raise ValueError("its response is no generated text: " + ", ".join(map(str, body)))


def _number(value: Any) -> float | None:
    return None if value is None else float(value)
