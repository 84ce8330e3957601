"""Types of settings that several sections share, each with the check of its values."""

import re
from collections.abc import Mapping
from typing import Annotated, Any, Literal, TypeVar

from pydantic import AfterValidator, ConfigDict, PlainValidator

from workbench.config.faults import shown
from workbench.core.lookup import unknown

STRICT = ConfigDict(  # a misspelt key is an error, and so is NaN
    extra="forbid", use_attribute_docstrings=True, allow_inf_nan=False
)
OWN_OPTIONS = ("model", "dtype", "seed", "max_model_len", "logprobs_mode")
"""Engine options that the workbench sets itself."""
TAKEN_OPTIONS = (
    "add_generation_prompt", "chat_template", "continue_final_message", "conversation", "messages",
    "return_dict", "return_tensors", "tokenize",
)  # fmt: skip
"""Arguments with which a chat template is applied, and which are no switches of its own."""
WHOLE_OPTIONS = (
    "max_num_seqs", "max_num_batched_tokens", "tensor_parallel_size", "pipeline_parallel_size",
)  # fmt: skip
"""Engine options that are counts, and that backends other than vLLM read as well."""
PROMPT_FORMS = ("chat", "completion")
"""What ``task.prompt`` may be beside a template."""
ROLES = ("system", "user", "assistant")
"""Who speaks in a message of a prompt."""
DEFAULT_PROMPT = "default"
"""The name of the task section's own prompt, beside the variants in ``task.prompts``."""
LONGEST_PROMPT_NAME = 40
"""Characters of a variant's name, which stands in file names and beside the lines of figures."""
OWN = "own"
"""Where a name of ``scoring.models`` is asked for: the model that drew the samples."""

V = TypeVar("V")


def _distinct(values: tuple[V, ...]) -> tuple[V, ...]:
    repeated = [value for i, value in enumerate(values) if value in values[:i]]
    if repeated:
        raise ValueError(f"{repeated[0]!r} is given twice; give each entry once")
    return values


def _not_empty(values: tuple[V, ...]) -> tuple[V, ...]:
    if not values:
        raise ValueError("needs at least one entry, got []")
    return values


def _positive(sizes: tuple[int, ...]) -> tuple[int, ...]:
    if min(sizes) < 1:
        raise ValueError(f"every size must be at least 1, got {list(sizes)}")
    return sizes


def _folder_name(name: str) -> str:
    if not re.fullmatch(r"[\w.-]+", name) or set(name) == {"."}:
        allowed = "letters, digits, '.', '_' or '-'"
        raise ValueError(f"must be {allowed} (it names a folder), got {name!r}")
    return name


def _prompt_name(name: str) -> str:
    if name == DEFAULT_PROMPT:
        raise ValueError(
            f"{name!r} is the name of the task section's own prompt; give this variant another name"
        )
    allowed = re.fullmatch(r"[\w.-]+", name, re.ASCII) and set(name) != {"."}
    if not allowed or len(name) > LONGEST_PROMPT_NAME:
        raise ValueError(
            f"the name of a variant must be at most {LONGEST_PROMPT_NAME} letters of A-Z and a-z, "
            f"digits, '.', '_' or '-' (it stands in file names and figures), got {shown(name)}"
        )
    return name


def _not_our_own(options: dict[str, Any]) -> dict[str, Any]:
    taken = [name for name in OWN_OPTIONS if name in options]
    if taken:
        raise ValueError(
            f"{taken[0]!r} is not an engine option here: it is a setting of its own, beside engine "
            "(logprobs_mode is always raw_logprobs, which every metric supposes)"
        )
    return options


def _engine_numbers(options: dict[str, Any]) -> dict[str, Any]:
    for name in WHOLE_OPTIONS:
        value = options.get(name, 1)
        if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value < 2**31:
            raise ValueError(f"{name} must be an integer of at least 1, got {value!r}")
    share = options.get("gpu_memory_utilization", 1)
    if not isinstance(share, int | float) or isinstance(share, bool) or not 0 < share <= 1:
        raise ValueError(f"gpu_memory_utilization must be above 0 and at most 1, got {share!r}")
    return options


def _not_own(name: str) -> str:
    if name == OWN:
        raise ValueError(
            f"{OWN!r} is the run's own model, whose log-probabilities come with its samples; give "
            "this one another name"
        )
    return name


def _not_taken(options: dict[str, Any]) -> dict[str, Any]:
    taken = [name for name in TAKEN_OPTIONS if name in options]
    if taken:
        raise ValueError(f"{taken[0]!r} is set by the workbench itself; leave it out")
    return options


def is_chat(prompt: str | tuple[dict[str, str], ...]) -> bool:
    """Say whether a prompt of this form is a conversation, for the model's chat template.

    Example:
        >>> [is_chat("chat"), is_chat("completion"), is_chat("{{ problem }}")]
        [True, False, False]
        >>> is_chat(({"role": "user", "content": "{{ problem }}"},))
        True
    """
    return prompt == "chat" or not isinstance(prompt, str)


def _prompt_form(value: Any) -> str | tuple[dict[str, str], ...]:
    """Return a form of prompts, or a template, as it is; refuse what is neither."""
    if isinstance(value, str):
        if value not in PROMPT_FORMS and not re.search(r"\{[{%]", value):
            raise ValueError(
                f"{unknown(value, PROMPT_FORMS, 'value')}; a template holds {{{{ problem }}}}"
            )
        return value
    if not isinstance(value, list | tuple) or not value:
        raise ValueError(
            f"expected {' or '.join(PROMPT_FORMS)}, a template or a list of messages, got "
            f"{shown(value)}"
        )
    for number, message in enumerate(value, start=1):
        if not isinstance(message, Mapping) or {*message} != {"role", "content"}:
            raise ValueError(
                f"message {number} must have the keys role and content, got {shown(message)}"
            )
        if message["role"] not in ROLES:
            raise ValueError(f"message {number}: {unknown(str(message['role']), ROLES, 'role')}")
        if message["role"] == "system" and number > 1:
            raise ValueError(f"message {number}: only the first message may be the system's")
        if not isinstance(message["content"], str):
            raise ValueError(
                f"message {number}: content must be a text, got {shown(message['content'])}"
            )
    if value[-1]["role"] != "user":
        raise ValueError(
            f"the last message must be the user's, which the model answers, and is of the role "
            f"{value[-1]['role']}"
        )
    return tuple(dict(message) for message in value)


FolderName = Annotated[str, AfterValidator(_folder_name)]
PromptName = Annotated[str, AfterValidator(_prompt_name)]
ModelName = Annotated[FolderName, AfterValidator(_not_own)]
Names = Annotated[tuple[str, ...], AfterValidator(_distinct)]
Entries = Annotated[tuple[V, ...], AfterValidator(_not_empty)]
Sizes = Annotated[Entries[int], AfterValidator(_positive), AfterValidator(_distinct)]
Temperatures = Annotated[tuple[float | None, ...], AfterValidator(_distinct)]
TemplateOptions = Annotated[dict[str, Any], AfterValidator(_not_taken)]
EngineOptions = Annotated[
    dict[str, Any], AfterValidator(_not_our_own), AfterValidator(_engine_numbers)
]
PromptForm = Annotated[str | tuple[dict[str, str], ...], PlainValidator(_prompt_form)]
Dtype = Literal["auto", "float32", "bfloat16", "float16"]
