"""Whether a model's chat template takes the conversations that an experiment asks.

The template is rendered as transformers does it, without transformers, which takes seconds to
import: an experiment is checked in less than that.

Source: ``transformers/utils/chat_template_utils.py`` of transformers 5, for the environment and
the names that a template sees.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from workbench.models.packaged import MODELS

WORDS = "Name a colour."
"""What is said in every message of the conversation that a template is tried with."""
FILES = (
    "chat_template.jinja", "chat_template.json", "tokenizer_config.json", "special_tokens_map.json",
)  # fmt: skip
OTHERS = ("tekken.json", "additional_chat_templates")
"""Files of models that have their chat template elsewhere."""
NONE = (
    "{name} has no chat template; set {section}.prompt to completion, or to a template that is one "
    "text, or use an instruct model"
)
TRACKED = re.compile(r"\{%(-?)\s*(?:end)?generation\s*(-?)%\}")
"""Marks of transformers' own around what a model says, which do not change what is written."""


def check_conversation(
    name: str, roles: Sequence[str], options: Mapping[str, Any], section: str = "task"
) -> None:
    """Refuse a model whose chat template does not take messages of these roles, in this order.

    Of a packaged model it is known whether it takes them. Nothing is checked of a model on the hub
    whose files are not on this machine.

    Args:
        name: a folder, a hub name, or a packaged model.
        roles: who speaks in each message.
        options: switches of the template, as ``task.template_options``.
        section: the key of the settings that ask so, which the message names: ``task``, or
            ``task.prompts.NAME``.

    Raises:
        ValueError: the template refuses them, or the model has none; the message says what to set.
    """
    if name in MODELS:
        if not MODELS[name].chat_template:
            raise ValueError(NONE.format(name=name, section=section))
        return
    files = _files(name)
    settings = _parsed(files.get("tokenizer_config.json"))
    template = _template(files, settings)
    if template is None:
        whole = "tokenizer_config.json" in files and Path(name).expanduser().is_dir()
        if whole and not any(other in files for other in OTHERS):
            raise ValueError(NONE.format(name=name, section=section))
        return
    special = _special_tokens(settings) | _special_tokens(
        _parsed(files.get("special_tokens_map.json"))
    )
    values = special | dict(options)
    if fault := _fault(template, roles, values):
        raise ValueError(f"{name}: {_refusal(template, roles, values, fault, section)}")


def _refusal(
    template: str, roles: Sequence[str], values: Mapping[str, Any], fault: Exception, section: str
) -> str:
    """Say what a template refuses, and what to set."""
    if "system" in roles and not _fault(template, roles[1:], values):
        return (
            f"the model takes no system message: its chat template refuses it ({fault}); set "
            f'{section}.system: "", or leave the message out of a template in {section}.prompt'
        )
    if len(roles) > 1 and not _fault(template, ["user"], values):
        return (
            f"the model's chat template refuses messages of {', '.join(roles)} ({fault}); set "
            f"{section}.few_shot: 0, or let the roles in {section}.prompt take turns as it wants "
            "them"
        )
    return (
        f"the model's chat template refuses the conversation ({fault}); set {section}.prompt: "
        f"completion, or correct {section}.template_options"
    )


def _fault(template: str, roles: Sequence[str], values: Mapping[str, Any]) -> Exception | None:
    """Return why a template cannot be rendered with such messages; None where it can."""
    from jinja2 import TemplateError  # some hundredths of a second, where a model is looked at
    from jinja2.ext import loopcontrols
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    def refuse(message: str) -> None:
        raise TemplateError(message)

    def tojson(value: Any, ensure_ascii: bool = False, **options: Any) -> str:
        return json.dumps(value, ensure_ascii=ensure_ascii, **options)

    environment = ImmutableSandboxedEnvironment(
        trim_blocks=True, lstrip_blocks=True, extensions=[loopcontrols]
    )
    environment.filters["tojson"] = tojson
    environment.globals["raise_exception"] = refuse
    environment.globals["strftime_now"] = lambda form: datetime.now().strftime(form)
    messages = [{"role": role, "content": WORDS} for role in roles]
    try:
        environment.from_string(TRACKED.sub(r"{#\1 \2#}", template)).render(
            messages=messages, tools=None, documents=None, add_generation_prompt=True, **values
        )
    except Exception as fault:  # a template is a program: it can raise anything
        return fault
    return None


def _template(files: Mapping[str, str], settings: Mapping[str, Any]) -> str | None:
    """Return a model's template: of the file for it, else the one among the tokenizer's settings.

    Of several by name it is the one called ``default``.
    """
    if "chat_template.jinja" in files:
        return files["chat_template.jinja"]
    stored = _parsed(files.get("chat_template.json")).get("chat_template")
    found = stored or settings.get("chat_template")
    if isinstance(found, list):
        found = {one.get("name"): one.get("template") for one in found}.get("default")
    return found if isinstance(found, str) else None


def _special_tokens(settings: Mapping[str, Any]) -> dict[str, str]:
    """Return the special tokens that a template may write, such as ``bos_token``."""
    texts = {
        key: value.get("content") if isinstance(value, dict) else value
        for key, value in settings.items()
        if key.endswith("_token")
    }
    return {key: text for key, text in texts.items() if isinstance(text, str)}


def _parsed(text: str | None) -> dict[str, Any]:
    try:
        content = json.loads(text or "{}")
    except ValueError:
        return {}  # which is said where the tokenizer is loaded
    return content if isinstance(content, dict) else {}


def _files(name: str) -> dict[str, str]:
    """Return those files of a model that are on this machine and say how it is asked, by name."""
    folder: Path | None = Path(name).expanduser()
    if folder is not None and not folder.is_dir():
        from huggingface_hub import try_to_load_from_cache  # a slow import

        cached = try_to_load_from_cache(name, "tokenizer_config.json")
        folder = Path(cached).parent if isinstance(cached, str) else None
    if folder is None:
        return {}
    there = {file: folder / file for file in (*FILES, *OTHERS) if (folder / file).exists()}
    return {
        file: path.read_text(encoding="utf-8", errors="replace") if file in FILES else ""
        for file, path in there.items()
    }
