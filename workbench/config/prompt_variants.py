"""The task section as one of its prompts has it: its own, or a variant in ``task.prompts``."""

from dataclasses import fields, replace

from workbench.config.setting_types import DEFAULT_PROMPT
from workbench.config.task_schema import PromptVariant, TaskSettings
from workbench.core.lookup import unknown


def task_with_prompt(settings: TaskSettings, name: str) -> TaskSettings:
    """Return the task section with one of its prompts, and without the variants.

    What a variant sets replaces the section's own setting. A variant with a template takes no
    ``system`` from the section, because a template is the whole prompt, and one that is a
    completion takes no ``template_options``.

    Args:
        settings: the task section.
        name: a key of ``settings.prompts``, or ``default`` for the section's own prompt.

    Raises:
        ValueError: there is no such variant; the message lists the names and the nearest one.

    Example:
        >>> variants = {"brief": PromptVariant(system="Be brief."), "shots": {"few_shot": 4}}
        >>> task = TaskSettings(name="gsm8k", few_shot=8, prompts=variants)
        >>> brief, shots = task_with_prompt(task, "brief"), task_with_prompt(task, "shots")
        >>> (brief.system, brief.few_shot), (shots.system, shots.few_shot), brief.prompts
        (('Be brief.', 8), (None, 4), {})
        >>> task_with_prompt(task, "shot")
        Traceback (most recent call last):
            ...
        ValueError: unknown prompt 'shot'; did you mean 'shots'? (known: default, brief, shots)
    """
    if name == DEFAULT_PROMPT:
        return replace(settings, prompts={})
    if name not in settings.prompts:
        raise ValueError(unknown(name, prompt_names(settings), "prompt"))
    variant = settings.prompts[name]
    own = {key: getattr(variant, key) for key in settings_of(variant)}
    changed = replace(settings, prompts={}, **own)
    if variant.prompt is not None and changed.has_template and variant.system is None:
        changed = replace(changed, system=None)
    if not changed.is_chat and variant.template_options is None:
        changed = replace(changed, template_options={})
    return changed


def prompt_names(settings: TaskSettings) -> list[str]:
    """Return the names of all prompts of a task section: ``default``, and its variants in order.

    Example:
        >>> prompt_names(TaskSettings(name="gsm8k", prompts={"brief": {"system": "Be brief."}}))
        ['default', 'brief']
    """
    return [DEFAULT_PROMPT, *settings.prompts]


def prompt_section(name: str) -> str:
    """Return the key under which the settings of a prompt stand, for messages about them.

    Example:
        >>> prompt_section("default"), prompt_section("brief")
        ('task', 'task.prompts.brief')
    """
    return "task" if name == DEFAULT_PROMPT else f"task.prompts.{name}"


def settings_of(variant: PromptVariant) -> list[str]:
    """Return the keys that a variant sets itself; the others are as the task section has them.

    Example:
        >>> settings_of(PromptVariant(few_shot=0, prompt="completion"))
        ['few_shot', 'prompt']
    """
    return [one.name for one in fields(variant) if getattr(variant, one.name) is not None]
