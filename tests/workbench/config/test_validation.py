"""What is read of a section beside its faults."""

import pytest

from workbench.config.faults import Unsound
from workbench.config.schema import Experiment, Generation
from workbench.config.validation import SoundPart, parse

TREE = {
    "name": "a", "task": {"name": "arithmetic"}, "generation": {"model": "m", "n": "x", "typo": 1},
    "scoring": {"orm": {"model": 3, "encodings": True}, "models": {"a": {"model": "m"}}},
    "measure": 3,
}  # fmt: skip


def test_sound_settings_are_read_beside_faulty_ones():
    experiment, faults = parse(Experiment, TREE)
    assert experiment is None
    assert [fault.at for fault in faults] == [
        ("generation", "n"), ("generation", "typo"), ("scoring", "orm", "model"), ("measure",),
    ]  # fmt: skip
    sound = SoundPart(Experiment, TREE, [fault.at for fault in faults])
    assert sound.generation.model == "m"
    assert sound.generation.temperatures == (0.3, 0.7, 1.0)
    assert sound.scoring.orm.encodings is True
    assert sound.scoring.models["a"].backend == "auto"
    assert sound.selection.reward == "likelihood"
    for section, key in (
        (sound.generation, "n"),
        (sound.scoring.orm, "model"),
        (sound.measure, "k"),
    ):
        with pytest.raises(Unsound, match=key):
            getattr(section, key)


def test_entries_of_a_mapping_are_read_beside_faulty_ones():
    variants = {"system": {"few_shots": 1, "system": "a"}, "b": {"few_shot": 2}, "c": 3, "d d": {}}
    tree = TREE | {"task": {"name": "arithmetic", "prompts": variants}}
    faults = parse(Experiment, tree)[1]
    told = {fault.at[2:]: fault.message for fault in faults if fault.at[0] == "task"}
    assert [*told] == [("system", "few_shots"), ("c",), ("d d",)]
    # An entry that has the name of a setting is an entry all the same.
    assert told["system", "few_shots"].startswith("unknown key; did you mean 'few_shot'? (known: ")
    prompts = SoundPart(Experiment, tree, [fault.at for fault in faults]).task.prompts
    assert [*prompts] == [*variants]
    assert (prompts["system"].system, prompts["b"].few_shot, prompts["b"].system) == ("a", 2, None)
    for name in ("c", "d d"):
        with pytest.raises(Unsound):
            _ = prompts[name].few_shot
    tree["task"]["prompts"] = 3
    sound = SoundPart(Experiment, tree, [fault.at for fault in parse(Experiment, tree)[1]])
    with pytest.raises(Unsound):
        _ = sound.task.prompts


def test_a_sound_tree_becomes_its_dataclass():
    assert parse(Generation, {"model": "m", "stop": ["a"]}) == (
        Generation(model="m", stop=("a",)),
        [],
    )
