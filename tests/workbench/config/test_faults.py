"""The words in which faults are told."""

import pytest
from pydantic import TypeAdapter, ValidationError

from workbench.config import schema as config
from workbench.config.faults import Fault, shown, type_fault
from workbench.config.task_schema import PromptVariant
from workbench.core.lookup import unknown


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, "nothing"),
        (True, "true"),
        ("a", "'a'"),
        ("x" * 100, "'" + "x" * 56 + "..."),
        ([True], "[True]"),
    ],
)
def test_values_as_their_writer_knows_them(value, expected):
    assert shown(value) == expected


def test_an_unknown_name_lists_what_there_is():
    assert unknown("dppp", ["cos", "dpp"], "metric") == (
        "unknown metric 'dppp'; did you mean 'dpp'? (known: cos, dpp)"
    )
    assert unknown("zzz", ["cos"]) == "unknown key (known: cos)"


def test_a_kind_of_error_that_has_no_words_yet_is_told_in_pydantics():
    with pytest.raises(ValidationError) as caught:
        TypeAdapter(bytes).validate_python(3)
    fault = type_fault(dict(caught.value.errors()[0]), {})
    assert fault == Fault((), "Input should be a valid bytes, got 3")


# Every key of every section: what it refuses is told in our words, naming the value.
SECTIONS = [
    PromptVariant, config.TaskSettings, config.Generation, config.Scoring, config.Embedding,
    config.Measure, config.Selection, config.Analysis, config.Tracking,
]  # fmt: skip
KEYS = [(kind, key) for kind in SECTIONS for key in kind.__pydantic_fields__]


@pytest.mark.parametrize(("kind", "key"), KEYS, ids=lambda part: getattr(part, "__name__", part))
def test_every_setting_refuses_a_wrong_type_in_our_words(kind, key):
    with pytest.raises(ValidationError) as caught:
        TypeAdapter(kind).validate_json(f'{{"{key}": [[1.5]]}}', strict=True)
    faults = [type_fault(dict(item), {}) for item in caught.value.errors()]
    mine = [fault.message for fault in faults if fault.at[0] == key]
    assert mine
    for message in mine:
        assert "Input should" not in message
        assert "1.5" in message


@pytest.mark.parametrize(("kind", "key"), KEYS, ids=lambda part: getattr(part, "__name__", part))
def test_every_setting_says_what_it_is_for_or_has_a_telling_name(kind, key):
    plain = {"batch_size", "bleu_tokenize", "bleu_smoothing", "dtype", "entity", "group", "project",
             "max_tokens", "min_p", "num_buckets", "repetition_penalty", "seed", "tags", "top_p",
             "confidence"}  # fmt: skip
    assert kind.__pydantic_fields__[key].description or key in plain
