"""Encodings of the reward model, through the command line, with a tiny random model."""

import json
import shutil
import signal

import numpy as np
import pytest

import workbench as wb
from tests.conftest import blocks_of, write_experiment
from tests.lazily import Lazy, needs
from workbench.analysis.aggregate import AGGREGATORS
from workbench.experiment import ExperimentError, load_experiment
from workbench.rewards.outcome_prompt import find_verdict_tokens, judged_text

needs("torch")
torch, transformers = Lazy("torch"), Lazy("transformers")

KEY = ["problem_id", "temperature", "sample_index"]
TABLE = "encodings"


@pytest.fixture(scope="module")
def drawn(cli, model, tmp_path_factory):
    """(experiment file, folder) of samples that are measured by encodings; not to be changed."""
    home = tmp_path_factory.mktemp("drawn")
    orm = {"model": str(model), "backend": "transformers", "dtype": "float32", "encodings": True}
    path = write_experiment(
        home / "experiment.yaml", scoring={"rewards": ["likelihood", "orm"], "orm": orm},
        embedding={"source": "orm"}, measure__metrics=["cos_sim", "dpp"],
        selection__aggregators=["maj", "sem_mbr"],
    )  # fmt: skip
    blocks_of(home / "run", 4)
    cli.must("generate", path, "--out", home / "run")
    return path, home / "run"


@pytest.fixture
def copied(drawn, tmp_path):
    """The same in the test's own folder."""
    return drawn[0], shutil.copytree(drawn[1], tmp_path / "run")


def by_hand(model, texts):
    """Last hidden states where the sign is predicted, one text at a time, and the reward."""
    tokenizer = transformers.AutoTokenizer.from_pretrained(model)
    network = transformers.AutoModelForCausalLM.from_pretrained(model, dtype=torch.float32)
    verdict = find_verdict_tokens(tokenizer)
    for text in texts:
        ids = torch.tensor([verdict.prompt(tokenizer, text)])
        with torch.inference_mode():
            state = network(ids, output_hidden_states=True).hidden_states[-1][0, -1]
            plus, minus = network.lm_head(state)[[verdict.plus, verdict.minus]].tolist()
        yield (state / state.norm()).numpy(), 1 / (1 + np.exp(minus - plus))


def test_every_sample_has_what_its_reward_is_made_of(cli, copied, model, left_in):
    path, folder = copied
    cli.must("score", path, "--out", folder)
    cli.must("measure", path, "--out", folder)
    run = wb.load_run(folder)
    rows, kept = run.samples.set_index(KEY).sort_index(), left_in(folder, TABLE)
    assert kept.index.equals(rows.index)
    vectors = np.stack(kept["encoding"])
    assert (vectors.shape, vectors.dtype) == ((204, 32), np.float32)
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-6)
    questions = run.problems.set_index("problem_id")["question"]
    some = rows.iloc[::17]
    texts = [judged_text(questions[k[0]], row["completion"]) for k, row in some.iterrows()]
    rewards = run.scores.set_index(KEY)["reward_orm"]
    for key, (vector, reward) in zip(some.index, by_hand(model, texts), strict=True):
        np.testing.assert_allclose(kept.loc[key, "encoding"], vector, atol=1e-5)
        assert rewards[key] == pytest.approx(reward, abs=1e-5)

    # the metrics look at them
    pool = run.pool("problem-3", 1.0)
    expected = vectors[[kept.index.get_loc(("problem-3", 1.0, i)) for i in range(8)]]
    np.testing.assert_array_equal(pool.embeddings, expected)
    cosines = expected.astype(float) @ expected.T.astype(float)
    subset = run.subsets.set_index(["problem_id", "temperature", "k"]).loc[("problem-3", 1.0, 2)]
    found = [cosines[tuple(members)] for members in subset["members"]]
    np.testing.assert_allclose(subset["cos_sim"], found, atol=1e-6)
    again = cli.must("score", path, "--out", folder).err
    again += cli.must("measure", path, "--out", folder).err
    assert all(f"{step}: up to date" in again for step in ("encodings", "score", "measure"))

    # and at the sentence encoder's again, where the experiment says so
    cli.must("score", path, "--out", folder, "--set", "embedding.source=text")
    assert wb.load_run(folder).pool("problem-3", 1.0).embeddings.shape == (8, 384)
    back = cli.must("score", path, "--out", folder).err
    assert "encodings: up to date" in back
    np.testing.assert_array_equal(run.pool("problem-3", 1.0).embeddings, expected)


def test_a_killed_step_goes_on_where_it_was(cli, copied, left_in, telling):
    path, folder = copied
    journal = folder / "encodings/block-00000.journal"
    child = cli.start("score", path, "--out", folder, before=telling("model_step", 0.01))
    child.until(lambda: journal.exists() and journal.read_bytes().count(b"\n") >= 20)
    child.stop(signal.SIGKILL)
    whole, _, _ = journal.read_bytes().rpartition(b"\n")
    kept = {json.loads(line[9:])["text"]: line for line in whole.splitlines()}
    child = cli.must("score", path, "--out", folder)
    rows = left_in(folder, TABLE)
    assert f"encodings: {rows['text_hash'].nunique() - len(kept)} texts to encode" in child.err
    assert not journal.exists()
    more = cli.must("generate", path, "--out", folder, "--set", "generation.n=10")
    more = cli.must("score", path, "--out", folder, "--set", "generation.n=10")
    after = left_in(folder, TABLE)
    new = {*after["text_hash"]} - {*rows["text_hash"]}
    assert f"encodings: {len(new)} texts to encode" in more.err
    for key in rows.index[::10]:
        np.testing.assert_array_equal(after.loc[key, "encoding"], rows.loc[key, "encoding"])


SAMPLES = [[("It is 3.", -0.5, "stop"), ("", -0.1, "stop"), ("", 0.0, "error"),
            ("one and one and " * 40, -0.2, "length")]]  # fmt: skip


def test_what_is_too_long_is_said_before_anything_is_measured(cli, hand_made, model, left_in):
    orm = {"model": str(model), "dtype": "float32", "encodings": True}  # the reward is not asked
    folder = hand_made(
        ["2"], SAMPLES, stages=("generate", "score"), scoring={"orm": orm},
        embedding={"source": "orm"}, measure__metrics=["cos_sim"],
    )  # fmt: skip
    kept = left_in(folder, TABLE)["encoding"].tolist()
    np.testing.assert_array_equal(kept[1], kept[2])  # a failed one counts as an empty solution
    short = ("--set", "scoring.orm.max_model_len=150")
    cli("score", folder / "experiment.yaml", "--out", folder, *short).refuses(
        "1 samples of", "too long for the reward model", "raise scoring.orm.max_model_len"
    )


@pytest.mark.parametrize("orm", [None, {"model": "m/m"}])
def test_encodings_have_to_be_asked_for(experiment, orm):
    path = experiment(embedding={"source": "orm"}, scoring={"orm": orm})
    with pytest.raises(ExperimentError, match=r"embedding\.source: 'orm' needs the encodings"):
        load_experiment(path, aggregators=AGGREGATORS)


def test_a_model_of_nans_is_refused(cli, copied, make_model, tmp_path):
    broken = make_model(tmp_path / "broken", damage=True)
    path, folder = copied
    other = ("--set", f"scoring.orm.model={broken}", "--set", "scoring.rewards=[likelihood]")
    cli("score", path, "--out", folder, *other).refuses(
        "hidden state of NaN", "scoring.orm.dtype: float32"
    )
