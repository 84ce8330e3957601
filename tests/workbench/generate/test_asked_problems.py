"""Problems with their prompts, by the name of the variant."""

import pytest

from workbench.config.schema import TaskSettings
from workbench.generate.asked_problems import prompted_problems
from workbench.tasks.prompts import prompt_hash

SUMS = TaskSettings(
    name="arithmetic", num_problems=3, prompt="chat", few_shot=0,
    prompts={"brief": {"system": "Be brief."}, "plain": {"prompt": "completion", "few_shot": 1}},
)  # fmt: skip


def test_without_variants_there_is_the_task_s_own_prompt():
    for item in prompted_problems(SUMS):
        assert list(item.prompts) == ["default"]
        assert item.prompt_hash == prompt_hash(item.prompt) == item.known.prompt_hash
        assert item.known.variant_hashes == {}


def test_every_variant_asks_the_same_problems_in_its_own_way():
    plain = prompted_problems(SUMS)
    found = prompted_problems(SUMS, ["default", "brief", "plain"])
    assert [item.problem for item in found] == [item.problem for item in plain]
    for item, alone in zip(found, plain, strict=True):
        assert item.prompts["default"] == alone.prompt == item.prompt
        assert item.prompts["brief"].messages[0] == {"role": "system", "content": "Be brief."}
        assert item.problem.question in item.prompts["plain"].text
        assert item.hashes == {name: prompt_hash(one) for name, one in item.prompts.items()}
        assert len({*item.hashes.values()}) == 3
        assert item.known.prompt_hash == item.hashes["default"]
        assert item.known.variant_hashes.keys() == {"brief", "plain"}


def test_where_the_task_s_own_prompt_is_not_asked_the_first_stands_for_it():
    for item in prompted_problems(SUMS, ["brief", "plain"]):
        assert item.prompt == item.prompts["brief"]
        assert item.prompt_hash == item.hashes["brief"]
        assert item.known.prompt_hash == ""  # no sample answers it
        assert item.known.variant_hashes == item.hashes


def test_a_variant_that_cannot_be_built_is_named():
    few = TaskSettings(
        name="arithmetic", num_problems=2, prompts={"many": {"few_shot": 100_000}},
        options={"min_digits": 1, "max_digits": 1},
    )  # fmt: skip
    with pytest.raises(ValueError, match=r"^task\.prompts\.many\."):
        prompted_problems(few, ["default", "many"])
    with pytest.raises(ValueError, match="unknown prompt 'brif'; did you mean 'brief'"):
        prompted_problems(SUMS, ["brif"])
