import pytest

from workbench.config.schema import Generation
from workbench.generate import BACKENDS
from workbench.generate.imported import is_complete, refuse_more, sample
from workbench.saved_run import Run
from workbench.storage.manifest import Manifest

FACTS = {"temperatures": [0.0, 0.5, None], "n": 8}


def imported(**settings):
    return Generation(model="m", backend="import", **settings)


@pytest.mark.parametrize(
    "settings",
    [
        {"temperatures": (0.0, 0.5, None), "n": 8},
        {"temperatures": (None,), "n": 3},
        {"temperatures": (0.5,), "n": 8, "greedy": True},  # at 0 there are some
    ],
)
def test_fewer_samples_than_there_are_may_be_asked_for(settings):
    refuse_more(imported(**settings), FACTS)


@pytest.mark.parametrize(
    ("settings", "facts", "words"),
    [
        ({"temperatures": (0.5, 0.7), "n": 8}, FACTS, r"at 0\.7 \(there are: 0, 0\.5, null\)"),
        ({"temperatures": (None,), "n": 8}, FACTS | {"temperatures": [1]}, "samples at null"),
        ({"temperatures": (1.0,), "n": 8, "greedy": True}, FACTS | {"temperatures": [1]}, "at 0 "),
        ({"temperatures": (0.5,), "n": 9}, FACTS, "the largest imported pool has 8 samples"),
    ],
)
def test_more_are_refused(settings, facts, words):
    with pytest.raises(ValueError, match=words):
        refuse_more(imported(**settings), facts)


def test_it_draws_nothing():
    with pytest.raises(ValueError, match=r"draws no samples; bring them in with `workbench import"):
        sample([], Generation(model="m"))
    with pytest.raises(ValueError, match="draws no samples"):
        BACKENDS["import"].sample([], Generation(model="m"))


def test_a_run_of_imported_samples_is_checked_and_never_drawn(cli, tmp_path):
    lines = [f'{{"problem_id": "{p}", "text": "{i}", "correct": true}}\n' for p in range(3)
             for i in range(2)]  # fmt: skip
    (tmp_path / "a.jsonl").write_text("".join(lines))
    root = tmp_path / "run"
    cli.must("import", tmp_path / "a.jsonl", "--out", root, "--set", "measure.metrics=[distinct_1]",
             "--set", "selection.aggregators=[]")  # fmt: skip
    assert "all 6 imported samples are there" in cli.must("generate", root).err
    assert cli.must("validate", root / "experiment.yaml").out.endswith("nothing is to be drawn.\n")
    cli("generate", root, "--set", "generation.n=3").refuses("cannot draw more; set it to 2")
    cli("generate", root, "--set", "generation.model=other").refuses("model: the samples have")
    cli("generate", root, "--out", tmp_path / "else").refuses("run `workbench import FILE --out")
    assert is_complete(Manifest(root / "manifest.json"), Run(root).blocks)

    block = root / "samples" / "block-00000.000.parquet"
    kept = block.read_bytes()
    block.write_bytes(kept[:100])
    cli("generate", root).refuses("is damaged")
    block.unlink()
    cli("generate", root).refuses("does not hold a whole import")
    cli.must("import", tmp_path / "a.jsonl", "--out", root)
    assert block.read_bytes() == kept
    cli.must("generate", root)
