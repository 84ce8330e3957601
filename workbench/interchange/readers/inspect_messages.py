"""The texts of a sample of Inspect: its question, its response and what was thought before it.

Before Inspect 0.3.123 (August 2025) the text of a response is only in the message of its choice,
and not also under ``completion``. Long texts may be attachments of the sample, in place of which
there is a reference. Source: ``inspect_ai/model/_model_output.py`` (``set_completion``),
``model/_chat_message.py`` and ``solver/_multiple_choice.py``, 0.3.285.
"""

from collections.abc import Mapping
from string import ascii_uppercase
from typing import Any


def attached(text: str, attachments: Mapping[str, str]) -> str:
    """Return a text that may be kept apart from where it belongs."""
    return attachments.get(text.removeprefix("attachment://"), text)


def message_text(choice: Mapping[str, Any], attachments: Mapping[str, str]) -> str:
    """Return the text of a choice's message, whose content is a string or a list of parts."""
    content = (choice.get("message") or {}).get("content") or ""
    if isinstance(content, str):
        return attached(content, attachments)
    texts = (part["text"] for part in content if part.get("type") == "text")
    return "\n".join(attached(text, attachments) for text in texts)


def thought(choice: Mapping[str, Any], attachments: Mapping[str, str]) -> str | None:
    """Return the reasoning of a choice's message; None where there is none to read."""
    message = choice.get("message") or {}
    content = message.get("content")
    parts = content if isinstance(content, list) else []
    parts = [part for part in parts if part.get("type") == "reasoning"]
    texts = [part.get("summary" if part.get("redacted") else "reasoning") for part in parts]
    texts.append(message.get("reasoning"))  # where logs of before March 2025 have it
    told = [attached(text, attachments) for text in texts if text]
    return "\n".join(told) if told else None


def question(sample: Mapping[str, Any], attachments: Mapping[str, str]) -> str:
    """Return the question: the input or the last message of the user, and the given choices.

    The choices have the letters of Inspect's ``multiple_choice``, which the target names.
    """
    given = sample["input"]
    if not isinstance(given, str):
        given = [message for message in given if message["role"] == "user"][-1]["content"]
    if not isinstance(given, str):
        given = "\n".join(part["text"] for part in given if part.get("type") == "text")
    choices = sample.get("choices") or []
    letters = [*ascii_uppercase, *map(str, range(1, len(choices)))]
    options = [f"{letter}) {option}" for letter, option in zip(letters, choices, strict=False)]
    return "\n".join([attached(given, attachments), *options])
