import pytest
from pydantic import ValidationError

from workbench.config.schema import Generation
from workbench.generate.openai_options import ServerOptions, address_of, options_of


def settings(**engine):
    return Generation(model="m", backend="openai", engine=engine)


@pytest.fixture(autouse=True)
def no_variables(monkeypatch):
    monkeypatch.delenv("OPENAI_BASE_URL", raising=False)
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)


def test_the_experiment_s_address_comes_before_the_environment_s(monkeypatch):
    monkeypatch.setenv("OPENAI_BASE_URL", "http://there:1/v1")
    assert address_of(settings(base_url="https://here/v1/")).url == "https://here/v1"
    assert address_of(settings()).url == "http://there:1/v1"


@pytest.mark.parametrize(
    "url",
    [
        "here:8000/v1", "ftp://here/v1", "http:///v1", "http://here:99999/v1", "http://here:x/v1",
        "http://[::1/v1", "http://he re/v1", "http://here/v1\n",
    ],
)  # fmt: skip
def test_an_address_that_is_none_is_refused_from_either_place(monkeypatch, url):
    with pytest.raises(ValidationError, match=r"such as http://127\.0\.0\.1:8000/v1"):
        ServerOptions(base_url=url)
    monkeypatch.setenv("OPENAI_BASE_URL", url)
    with pytest.raises(ValueError, match="OPENAI_BASE_URL must be an address"):
        address_of(settings())


@pytest.mark.parametrize("url", ["http://me:secret@here/v1", "http://here/v1?key=secret"])
def test_an_address_with_a_key_in_it_is_refused_and_not_repeated(monkeypatch, url):
    monkeypatch.setenv("OPENAI_BASE_URL", url)
    with pytest.raises(ValueError, match="OPENAI_API_KEY") as caught:
        address_of(settings())
    assert "secret" not in str(caught.value)


def test_no_address_at_all_says_where_to_give_one():
    with pytest.raises(ValueError, match=r"generation\.engine\.base_url.*OPENAI_BASE_URL"):
        address_of(settings())


def test_the_key_is_the_environment_s_and_is_hidden(monkeypatch):
    assert address_of(settings(base_url="http://here/v1")).hide_key("a-b") == "a-b"
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret")
    address = address_of(settings(base_url="http://here/v1"))
    assert address.key == "sk-secret"
    assert address.hide_key("bad key sk-secret!") == "bad key ***!"


def test_options_have_their_defaults_and_their_limits():
    assert options_of(settings(concurrency=3)) == ServerOptions(concurrency=3)
    for wrong in ({"concurrency": 0}, {"timeout": 0}, {"max_retries": -1}, {"api_key": "sk"}):
        with pytest.raises(ValidationError):
            ServerOptions(**wrong)


def test_faults_are_told_with_the_experiment_s_others(cli, experiment):
    path = experiment(
        generation__backend="openai", generation__dtype="float32",
        generation__engine={"base_url": "http://a:b@c/v1", "concurency": 4, "timeout": "long"},
        measure__metrics=["seq_entropy"],
    )  # fmt: skip
    child = cli("validate", path)
    assert child.code == 1
    for words in (
        "generation.dtype: not for this backend",
        "generation.engine.base_url: holds a user",
        "generation.engine.concurency: unknown key; did you mean 'concurrency'?",
        "generation.engine.timeout: expected a number, got 'long'",
        "measure.metrics: seq_entropy needs the entropies of the samples; set generation.logprobs",
    ):
        assert words in child.err
    path = experiment(generation__logprobs=20, measure__metrics=["seq_entropy"])
    cli.must("validate", path)
