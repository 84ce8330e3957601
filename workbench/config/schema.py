"""The experiment: what one YAML file may say, as frozen dataclasses.

Types and impossible values are checked here, key by key; ``workbench.experiment`` reads the file,
looks names up in their tables and turns every fault into a line of one message.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field
from pydantic.dataclasses import dataclass

from workbench.config.scoring_schema import (
    STRICT,
    FolderName,
    Names,
    Scoring,
    distinct,
    not_empty,
    not_our_own,
    positive,
    unknown_models,
)
from workbench.config.yaml_file import write_yaml


@dataclass(frozen=True, kw_only=True, config=STRICT)
class TaskSettings:
    """The ``task`` section: which problems are asked, and how."""

    name: str
    """A task of ``workbench list``."""
    source: str | None = None
    """Where the problems are: a local JSONL file or a hub name; the task has a default."""
    num_problems: int | None = Field(default=None, ge=1)
    """How many problems, from the first; all of them by default."""
    few_shot: int = Field(default=0, ge=0)
    """Worked examples in the prompt."""
    prompt: Literal["chat", "completion"] = "chat"
    """A conversation through the model's chat template, or one plain text to go on from."""
    system: str | None = None
    """Instruction before the examples: the system message of a chat, the first lines of a
    completion. The task has a default; an empty text for none."""
    last_number: bool = False
    """Whether the last number of a text counts as its answer when nothing else is found."""
    options: dict[str, Any] = Field(default_factory=dict)
    """The task's own settings, such as the difficulty of generated problems."""


@dataclass(frozen=True, kw_only=True, config=STRICT)
class Generation:
    """The ``generation`` section: how samples are drawn. Option names are vLLM's own."""

    model: str
    """A folder, a hub name, or a model that a registry package carries."""
    backend: str = "auto"
    """A backend of ``workbench list``."""
    temperatures: Annotated[
        tuple[float | None, ...],
        AfterValidator(not_empty),
        AfterValidator(distinct),
    ] = (0.3, 0.7, 1.0)
    """Sampling temperatures, all above 0; only an imported run has 0, or null for unknown."""
    n: int = Field(default=16, ge=1)
    """Samples per problem at each temperature."""
    greedy: bool = False
    """Also draw one sample per problem at temperature 0, as a baseline."""
    max_tokens: int = Field(default=512, ge=1)
    """Longest sample, tokens; a longer one is cut and marked so."""
    top_p: float = Field(default=1.0, gt=0, le=1)
    top_k: int = Field(default=0, ge=0)
    """0: no limit."""
    min_p: float = Field(default=0.0, ge=0, le=1)
    repetition_penalty: float = Field(default=1.0, gt=0)
    stop: tuple[str, ...] = ()
    """Texts at which a sample ends; they are not part of its completion."""
    logprobs: int = Field(default=0, ge=0)
    """Above 0: keep each token's entropy as well, from so many of the likeliest tokens (20 is what
    servers usually allow) as a lower bound, or exactly where a backend has the whole
    distribution."""
    seed: int = Field(default=0, ge=0)
    dtype: Literal["auto", "float32", "bfloat16", "float16"] = "auto"
    max_model_len: int | None = Field(default=None, ge=2)
    """Longest prompt and sample together, tokens; the model's own limit by default."""
    engine: Annotated[dict[str, Any], AfterValidator(not_our_own)] = Field(default_factory=dict)
    """Further engine options, passed through (``gpu_memory_utilization``, ``max_num_seqs`` …); for
    backend ``openai`` those of ``workbench/generate/openai_options.py``."""


@dataclass(frozen=True, kw_only=True, config=STRICT)
class Embedding:
    """The ``embedding`` section: the sentence encoder behind cosine, DPP and semantic MBR."""

    source: Literal["text", "orm"] = "text"
    """``orm``: not the sentence encoder's vectors, but the encodings of ``scoring.orm``."""
    model: str = "all-MiniLM-L6-v2"
    """A folder, a hub name, or an encoder that a registry package carries."""
    long_texts: Literal["truncate", "chunk_mean"] = "truncate"
    """A text longer than the encoder reads: cut, or the mean of its chunks."""
    dtype: Literal["float32", "bfloat16"] = "float32"
    """What is multiplied: ``bfloat16`` is faster where a machine multiplies it (`make bench`). A
    cosine is then off by up to 0.003, a ``dpp`` by 0.01 on average and up to 0.13 (its spread is 1
    to 18), and up to 4 % of the picks of ``sem_mbr`` are others (88 pools of ``quickstart`` and of
    GPT-3.5, k = 4 and 8). Sums and norms are float32 either way."""
    batch_size: int = Field(default=64, ge=1)
    """Most texts encoded at once; on a CPU fewer, where they are long."""


@dataclass(frozen=True, kw_only=True, config=STRICT)
class Measure:
    """The ``measure`` section: which subsets are looked at, and with which metrics."""

    k: Annotated[
        tuple[int, ...],
        AfterValidator(not_empty),
        AfterValidator(positive),
        AfterValidator(distinct),
    ] = (2, 4, 8)
    """Subset sizes."""
    replicates: int = Field(default=10, ge=1)
    """Random subsets per pool and k; all of them where there are no more than that."""
    seed: int = Field(default=0, ge=0)
    metrics: Names = (
        "avg_log_prob", "num_tokens", "cos_sim", "distinct_3", "distinct_texts", "dpp", "qual_dpp",
    )  # fmt: skip
    """Metrics of ``workbench list``."""
    dpp_jitter: float = Field(default=1e-6, gt=0)
    """Added to the diagonal of the DPP kernel, so that a repeat costs about log of it."""
    dpp_quality: str | None = None
    """Reward that is the quality in ``qual_dpp``, such as ``quality`` or ``orm``; by default the
    mean log-probability, as in the study."""
    bleu_tokenize: Literal["whitespace", "13a"] = "whitespace"
    bleu_smoothing: Literal["method1", "exp"] = "method1"


@dataclass(frozen=True, kw_only=True, config=STRICT)
class Selection:
    """The ``selection`` section: how one answer is picked from a subset."""

    aggregators: Names = ("maj", "best", "weighted", "sem_mbr", "lex_mbr")
    """Aggregators of ``workbench list``; ``best:NAME`` picks by another reward."""
    reward: str | None = "likelihood"
    """The reward that ``best`` and others that look at one use; null for none, and then these are
    left out."""
    threshold: float = Field(default=0.15, ge=0, le=1)
    """Share of the votes from which on ``best_of_majority`` takes an answer seriously: with less, a
    wrong answer that the reward loves may come through, with more, a right one may be missed."""
    submitted: Annotated[
        tuple[int, ...],
        AfterValidator(not_empty),
        AfterValidator(positive),
        AfterValidator(distinct),
    ] = (1, 2, 4)
    """How many answers ``best_of_majority`` hands in, in the table ``submitted``."""
    kept: float = Field(default=0.5, gt=0, le=1)
    """Share of the samples, those of highest reward, that ``filtered`` lets vote."""
    power: float = Field(default=1.0, ge=0)
    """To which ``borda`` raises a sample's rank: 0 is a majority vote, much is best-of-N."""


@dataclass(frozen=True, kw_only=True, config=STRICT)
class Analysis:
    """The ``analysis`` section: tables and their intervals."""

    num_buckets: int = Field(default=8, ge=2)
    bucket_width: Literal["equal", "quantile"] = "equal"
    """Buckets of equal width, as in the study, or of equal count."""
    resamples: int = Field(default=2000, ge=100)
    """Resamples of the problems behind each interval."""
    confidence: float = Field(default=0.95, gt=0, lt=1)
    seed: int = Field(default=0, ge=0)


@dataclass(frozen=True, kw_only=True, config=STRICT)
class Tracking:
    """The ``tracking`` section: Weights & Biases."""

    mode: Literal["auto", "online", "offline", "disabled"] = "auto"
    """``auto``: online where an API key is set, else offline, without asking."""
    project: str = "workbench"
    entity: str | None = None
    group: str | None = None
    tags: tuple[str, ...] = ()
    job_type: str = "run"
    """W&B's word for the kind of run; runs can be grouped by it."""


@dataclass(frozen=True, kw_only=True, config=STRICT)
class Experiment:
    """One experiment file."""

    name: FolderName
    """Names the run's folder, ``results/NAME``."""
    task: TaskSettings
    generation: Generation
    scoring: Scoring = Field(default_factory=Scoring)
    embedding: Embedding = Field(default_factory=Embedding)
    measure: Measure = Field(default_factory=Measure)
    selection: Selection = Field(default_factory=Selection)
    analysis: Analysis = Field(default_factory=Analysis)
    tracking: Tracking = Field(default_factory=Tracking)

    def __post_init__(self) -> None:
        """Refuse what contradicts itself across sections."""
        found = contradictions(
            k=self.measure.k,
            n=self.generation.n,
            max_tokens=self.generation.max_tokens,
            max_model_len=self.generation.max_model_len,
            reward=self.selection.reward,
            rewards=self.scoring.rewards,
            has_orm=self.scoring.orm is not None,
            has_encodings=self.scoring.orm is not None and self.scoring.orm.encodings,
            source=self.embedding.source,
            temperatures=self.generation.temperatures,
            backend=self.generation.backend,
            logprobs=self.generation.logprobs,
            metrics=self.measure.metrics,
            dpp_quality=self.measure.dpp_quality,
        )
        found += [(f"scoring.{key}", message) for key, message in unknown_models(self.scoring)]
        if found:
            raise ValueError("; ".join(f"{key}: {message}" for key, message in found))


def contradictions(
    *,
    k: Sequence[int] | None,
    n: int | None,
    max_tokens: int | None,
    max_model_len: int | None,
    reward: str | None,
    rewards: Sequence[str] | None,
    has_orm: bool,
    has_encodings: bool,
    source: str | None,
    temperatures: Sequence[float | None] | None,
    backend: str | None,
    logprobs: int | None,
    metrics: Sequence[str] | None,
    dpp_quality: str | None,
) -> list[tuple[str, str]]:
    """Return what is possible key by key but not together, as (key, message).

    A value that is itself faulty is passed as None, and nothing is said about it here.
    """
    found = []
    known = [-1.0 if t is None else t for t in temperatures or ()]
    if backend == "import":
        if any(t is not None and t < 0 for t in temperatures or ()):
            found.append(("generation.temperatures", f"must not be negative, got {known}"))
    elif temperatures is not None and min(known) <= 0:
        found.append(
            (
                "generation.temperatures",
                f"every temperature must be above 0, got {list(temperatures)}; at 0 all n samples "
                "are one text: set generation.greedy to true for one greedy sample as a baseline",
            )
        )
    if k is not None and n is not None and max(k) > n:
        found.append(
            (
                "measure.k",
                f"subsets of {max(k)} samples need generation.n of at least {max(k)}, got {n}; "
                + ("lower k" if backend == "import" else "raise generation.n or lower k"),
            )
        )
    if max_tokens is not None and max_model_len is not None and max_tokens >= max_model_len:
        found.append(
            (
                "generation.max_tokens",
                f"samples of {max_tokens} tokens leave no room for a prompt in max_model_len = "
                f"{max_model_len}; lower max_tokens or raise max_model_len",
            )
        )
    for key, name in (("selection.reward", reward), ("measure.dpp_quality", dpp_quality)):
        if name is not None and rewards is not None and name not in rewards:
            said = f"{name!r} is not among scoring.rewards {list(rewards)}; "
            found.append((key, f"{said}add it there or choose one of them"))
    if "seq_entropy" in (metrics or ()) and logprobs == 0 and backend != "import":
        found.append(
            (
                "measure.metrics",
                "seq_entropy needs the entropies of the samples; set generation.logprobs to 20, "
                "or leave it out",
            )
        )
    if source == "orm" and not has_encodings:
        found.append(
            (
                "embedding.source",
                "'orm' needs the encodings of a reward model; set scoring.orm.model and "
                "scoring.orm.encodings to true, or choose 'text'",
            )
        )
    if "orm" in (rewards or ()) and not has_orm:
        found.append(
            (
                "scoring.orm",
                "missing: the reward 'orm' needs a model; set scoring.orm.model, or leave 'orm' "
                "out of scoring.rewards",
            )
        )
    return found


def experiment_to_dict(experiment: Experiment) -> dict[str, Any]:
    """Return an experiment as plain dicts, lists, texts and numbers, defaults filled in."""
    tree: dict[str, Any] = json.loads(json.dumps(asdict(experiment)))
    return tree


def dump_experiment(experiment: Experiment) -> str:
    """Return the resolved experiment as YAML; ``load_experiment`` gives it back equal."""
    return write_yaml(experiment_to_dict(experiment))


def pool_sizes(settings: Generation) -> dict[float | None, int]:
    """Return how many samples each temperature's pools are to have, by temperature.

    The unknown temperature of an imported run is None.
    """
    sizes: dict[float | None, int] = {0.0: 1} if settings.greedy else {}
    return sizes | dict.fromkeys(settings.temperatures, settings.n)
