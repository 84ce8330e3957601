import pytest

from workbench.config.conditions import conditions_of, greedy_names, pool_sizes
from workbench.config.schema import Generation
from workbench.core.conditions import varying_factors

PLAIN = {"model": "m", "temperatures": (0.7, 1.0), "n": 4, "greedy": True}


def settings(**changes):
    return Generation(**PLAIN | changes)


def by_name(**changes):
    return {one.name: one for one in conditions_of(settings(**changes))}


def test_without_a_second_turn_nothing_is_changed():
    assert all(not one.first and "turn" not in one.own for one in by_name().values())


def test_each_condition_has_one_of_second_answers():
    assert pool_sizes(settings(turns=2, corrections=3)) == {
        "T0": 1, "T0.7": 4, "T1": 4, "T0-turn2": 1, "T0.7-turn2": 12, "T1-turn2": 12,
    }  # fmt: skip


def test_first_answers_keep_what_decides_their_samples():
    before, now = by_name(), by_name(turns=2)
    for name, one in before.items():
        assert (now[name].changed, now[name].temperature) == (one.changed, one.temperature)


def test_the_turn_is_a_factor():
    assert varying_factors(list(by_name(turns=2).values())) == ("temperature", "turn")


def test_the_second_turn_may_have_settings_of_its_own():
    own = {"temperature": 0.2, "max_tokens": 64}
    found = by_name(turns=2, second_turn=own)
    second = found["T0.7-turn2"]
    assert (second.temperature, second.own["max_tokens"]) == (0.2, 64)
    assert (found["T0.7"].temperature, found["T0.7"].own["max_tokens"]) == (0.7, 512)
    assert found["T0-turn2"].temperature == 0  # a greedy answer is corrected greedily
    assert found["T0-turn2"].own["max_tokens"] == 64
    # of one temperature, but to other first answers: other samples
    assert second.changed != found["T1-turn2"].changed


def test_the_baseline_of_second_answers_is_the_greedy_second_answer():
    conditions = conditions_of(settings(turns=2, second_turn={"max_tokens": 64}))
    names = greedy_names(conditions)
    assert names["T0.7"] == "T0"
    assert names["T0.7-turn2"] == "T0-turn2"


def test_a_greedy_baseline_is_that_of_the_prompt():
    cells = ({"temperature": 0.7, "prompt": "brief"},)
    names = greedy_names(conditions_of(settings(turns=2, temperatures=(), conditions=cells)))
    assert names["T0.7-brief-turn2"] == "T0-brief-turn2"


@pytest.mark.parametrize("grid", [{"max_tokens": (32, 64)}, {"max_tokens": (32, 512)}])
def test_a_length_of_its_own_is_that_of_all_second_answers(grid):
    found = by_name(turns=2, grid=(grid,), second_turn={"max_tokens": 512})
    seconds = [one for one in found.values() if one.first]
    assert {one.own["max_tokens"] for one in seconds} == {512}
    assert all("max_tokens" not in one.changed for one in seconds)
