import pytest

from tests.lazily import Lazy, needs
from workbench.config.schema import Generation

needs("torch")
torch, hf_model = Lazy("torch"), Lazy("workbench.models.hf_model")


@pytest.mark.parametrize(
    ("settings", "kept"),
    [
        ({}, [0, 1, 2, 3]),
        ({"top_k": 2}, [0, 1]),
        ({"top_p": 0.7}, [0, 1]),  # 0.5 and 0.3 are the fewest that reach 0.7
        ({"min_p": 0.5}, [0, 1]),  # at least half as likely as the likeliest
        ({"min_p": 0.3, "top_k": 1}, [0]),
        ({"min_p": 0.3, "top_p": 0.6}, [0, 1]),  # of the three left, 0.5 / 0.95 is not 0.6
    ],
)
def test_what_is_left_of_the_distribution(settings, kept):
    logits = torch.log(torch.tensor([[0.5, 0.3, 0.15, 0.05]]))
    left = hf_model.warper(Generation(model="m", **settings))(logits)
    assert torch.isfinite(left)[0].nonzero().ravel().tolist() == kept
    assert torch.equal(left[0, kept], logits[0, kept])


def test_a_model_is_loaded_as_it_is_asked_for(model):
    loaded = hf_model.load(Generation(model=str(model), dtype="float32", max_model_len=320))
    assert loaded.network.dtype == torch.float32
    assert not loaded.network.training
    assert loaded.limit == 320
    assert loaded.ends == {2, loaded.tokenizer.eos_token_id}
    assert hf_model.load(Generation(model=str(model))).limit == 2048  # what the model itself allows
