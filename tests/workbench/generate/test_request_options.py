"""The sampling options of one request: its own before those of the section."""

import pytest

from workbench.config.schema import Generation
from workbench.core.types import Prompt, Request
from workbench.generate.request_options import options_of, refused_by, settings_for

SETTINGS = Generation(model="m", top_p=0.9, stop=("\n",), max_tokens=64)


def asked(**options):
    return Request("p", 1.5, 0, Prompt("?"), "hash", 7, options=options)


def test_a_request_without_options_has_the_section_s():
    assert options_of(asked(), SETTINGS) == {
        "top_p": 0.9, "top_k": 0, "min_p": 0.0, "repetition_penalty": 1.0, "stop": ("\n",),
        "max_tokens": 64,
    }  # fmt: skip
    assert settings_for(asked(), SETTINGS) is SETTINGS


@pytest.mark.parametrize(
    ("name", "level"),
    [("top_p", 0.5), ("top_k", 3), ("min_p", 0.1), ("repetition_penalty", 1.2), ("stop", ()),
     ("max_tokens", 9)],
)  # fmt: skip
def test_its_own_option_replaces_the_section_s_and_no_other(name, level):
    plain, own = options_of(asked(), SETTINGS), options_of(asked(**{name: level}), SETTINGS)
    assert own == plain | {name: level}
    changed = settings_for(asked(**{name: level}), SETTINGS)
    assert getattr(changed, name) == level
    kept = {key: value for key, value in vars(changed).items() if key != name}
    assert kept == {key: value for key, value in vars(SETTINGS).items() if key != name}


def test_an_option_of_the_backend_goes_along_and_is_no_setting():
    own = options_of(asked(presence_penalty=0.5), SETTINGS)
    assert own["presence_penalty"] == 0.5
    assert settings_for(asked(presence_penalty=0.5), SETTINGS) is SETTINGS


def test_the_settings_of_one_run_are_not_those_of_another():
    other = Generation(model="other", top_p=0.9, stop=("\n",), max_tokens=64)
    assert settings_for(asked(min_p=0.1), SETTINGS).model == "m"
    assert settings_for(asked(min_p=0.1), other).model == "other"
    assert settings_for(asked(min_p=0.1), SETTINGS) is settings_for(asked(min_p=0.1), SETTINGS)


def test_a_refusal_names_the_options_that_it_speaks_of_or_all_of_them():
    request = asked(min_p=0.1, presence_penalty=5.0)
    said = refused_by("vLLM", request, "presence_penalty must be in [-2, 2], got 5.0.")
    assert said.startswith("generation.engine.presence_penalty: vLLM refuses it for condition ")
    said = refused_by("vLLM", request, "no")
    start = "generation.temperature or generation.min_p or generation.engine.presence_penalty: "
    assert said.startswith(start)
