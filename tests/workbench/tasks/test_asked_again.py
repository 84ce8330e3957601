"""The prompts of a run, built again by the hash that its samples have."""

import pytest

from workbench.config.task_schema import PromptVariant, TaskSettings
from workbench.generate.asked_problems import prompted_problems
from workbench.tasks.asked_again import AskedAgain, hashes_of

VARIANTS = {"brief": PromptVariant(system="Be brief."), "shown": PromptVariant(few_shot=2)}
TASK = TaskSettings(name="arithmetic", num_problems=2, prompts=VARIANTS)


def test_each_hash_leads_to_its_prompt():
    asked = AskedAgain(TASK)
    for item in prompted_problems(TASK, ["default", *VARIANTS]):
        assert hashes_of(item.known) == item.hashes
        for name, hashed in item.hashes.items():
            assert asked.prompt(item.known, hashed) == item.prompts[name]
            assert asked.built(item.problem, name) == item.prompts[name]
        assert asked.prompt(item.known, "another") is None


def test_a_prompt_that_has_changed_or_is_gone_is_not_made_up():
    (item, _) = prompted_problems(TASK, ["brief"])
    assert hashes_of(item.known) == {"brief": item.hashes["brief"]}  # the own one was not asked
    changed = {"brief": PromptVariant(system="Be long.")}
    again = AskedAgain(TaskSettings(name="arithmetic", num_problems=2, prompts=changed))
    assert again.prompt(item.known, item.hashes["brief"]) is None
    gone = AskedAgain(TaskSettings(name="arithmetic", num_problems=2))
    with pytest.raises(ValueError, match="unknown prompt 'brief'"):
        gone.prompt(item.known, item.hashes["brief"])
