"""The experiment: what one YAML file may say, as nested frozen dataclasses, a section each.

A setting is one line of its section: its type, its default and what it is for. What is possible
key by key but not together is refused by ``contradictions``. The sections ``task``, ``scoring`` and
``training`` have files of their own, such as ``task_schema.py``.
"""

import json
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict
from typing import Any, Literal

from pydantic import ConfigDict, Field
from pydantic.dataclasses import dataclass

from workbench.config import setting_types
from workbench.config.factors import Cells, Grids, ModelVariant, Price
from workbench.config.faults import Fault, Unsound
from workbench.config.scoring_schema import Scoring, scoring_faults
from workbench.config.setting_types import STRICT, Dtype, EngineOptions, Names
from workbench.config.task_schema import CORRECTION, task_faults
from workbench.config.task_schema import TaskSettings as TaskSettings
from workbench.config.task_schema import Thinking as Thinking
from workbench.config.training_schema import CorrectionTraining, training_faults
from workbench.config.turns_schema import Continuation, SecondTurn, turn_faults
from workbench.config.yaml_file import write_yaml

MeasuredText = Literal["answer", "thought", "whole"]
OF_TURNS = ("turns", "corrections", "second_turn")


NAMED = STRICT | ConfigDict(validate_by_name=True, validate_by_alias=True)
"""For a section with a key that Python keeps for itself, such as ``continue``."""


@dataclass(frozen=True, kw_only=True, config=NAMED)
class Generation:
    """The ``generation`` section: how samples are drawn. Option names are vLLM's own."""

    model: str
    """A folder, a name on the hub, or SmolLM2-135M-Instruct, which comes as a package."""
    backend: str = "auto"
    """A backend of ``workbench list backends``."""
    temperatures: setting_types.Temperatures = (0.3, 0.7, 1.0)
    """Sampling temperatures, all above 0; only an imported run has 0, or null for unknown."""
    grid: Grids = ()
    """Factors with their levels, all combinations of which are conditions: ``{temperature: [0.7,
    1], min_p: [0, 0.1]}``; or a list of such grids. One without temperature takes the temperatures
    above."""
    conditions: Cells = ()
    """Further conditions, one by one: ``[{name: hot, temperature: 1.5, min_p: 0.1}]``."""
    models: dict[str, ModelVariant] = Field(default_factory=dict)
    """How the levels of the factor ``model`` are loaded, where it is not as the model above."""
    price: Price | None = None
    """What the model's tokens cost per million, where the analysis is to compare at equal price."""
    n: int = Field(default=16, ge=1)
    """Samples per problem in each condition."""
    greedy: bool = False
    """Also draw one sample per problem at temperature 0, as a baseline."""
    turns: int = Field(default=1, ge=1, le=2)
    """2: every first answer is shown to the model again, which is asked to correct it
    (``task.correction``). Second answers are conditions of their own, such as ``T0.7-turn2``."""
    corrections: int = Field(default=1, ge=1)
    """Second answers to each first one; a greedy one has a greedy one."""
    second_turn: SecondTurn = Field(default_factory=SecondTurn)
    """How second answers are drawn, where it is not as the first: ``{temperature, max_tokens}``."""
    continued: Continuation | None = Field(default=None, alias="continue")
    """Make a text that would have ended go on, behind a few words: ``{times: 1, text: Wait}``."""
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
    """Above 0: keep each token's entropy as well. It is exact where a backend has the whole
    distribution; elsewhere it is a lower bound, from this many of the likeliest tokens (servers
    usually allow 20)."""
    seed: int = Field(default=0, ge=0)
    max_failed: float = Field(default=0.05, ge=0, le=1)
    """Largest share of samples that may fail; above it, and where all fail, the command ends with
    an error when everything else is done. Failed ones are drawn again with ``--redraw errors``."""
    dtype: Dtype = "auto"
    max_model_len: int | None = Field(default=None, ge=2)
    """Longest prompt and sample together, tokens; the model's own limit by default."""
    engine: EngineOptions = Field(default_factory=dict)
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
    """Type of the factors in matrix products. ``bfloat16`` is faster on hardware that supports it
    (`make bench`). It changes a cosine by up to 0.003, ``dpp`` by 0.01 on average and up to 0.13
    (its spread is 1 to 18), and up to 4 % of the picks of ``sem_mbr`` (88 pools of ``quickstart``
    and of GPT-3.5, k = 4 and 8). Sums and norms are float32 in either case."""
    batch_size: int = Field(default=64, ge=1)
    """Most texts encoded at once; on a CPU fewer, where they are long."""


@dataclass(frozen=True, kw_only=True, config=STRICT)
class Measure:
    """The ``measure`` section: which subsets are measured, and with which metrics."""

    k: setting_types.Sizes = (2, 4, 8)
    """Subset sizes."""
    replicates: int = Field(default=10, ge=1)
    """Random subsets per pool and k; all of them where there are no more than that."""
    seed: int = Field(default=0, ge=0)
    metrics: Names = (
        "avg_log_prob", "num_tokens", "cos_sim", "distinct_3", "distinct_texts", "dpp", "qual_dpp",
    )  # fmt: skip
    """Metrics of ``workbench list metrics``."""
    dpp_jitter: float = Field(default=1e-6, gt=0)
    """Added to the diagonal of the DPP kernel; a repeated text then adds about its logarithm."""
    dpp_quality: str | None = None
    """Reward that is the quality in ``qual_dpp``, such as ``quality`` or ``orm``; by default the
    mean log-probability, as in the study."""
    text: MeasuredText = "answer"
    """Which part of a sample the metrics, the embeddings and the selections by text read (texts,
    lengths, likelihoods, entropies): the ``answer``, the ``thought`` before it, or the ``whole``.
    Without thoughts a sample is all answer."""
    bleu_tokenize: Literal["whitespace", "13a"] = "whitespace"
    bleu_smoothing: Literal["method1", "exp"] = "method1"


@dataclass(frozen=True, kw_only=True, config=STRICT)
class Selection:
    """The ``selection`` section: how one answer is picked from a subset."""

    aggregators: Names = ("maj", "best", "weighted", "sem_mbr", "lex_mbr")
    """Aggregators of ``workbench list aggregators``; ``best:NAME`` picks by another reward."""
    reward: str | None = "likelihood"
    """The reward used by ``best`` and the other aggregators that need one; with null they are left
    out."""
    threshold: float = Field(default=0.15, ge=0, le=1)
    """Smallest share of the votes with which ``best_of_majority`` considers an answer. Lower: wrong
    answers of high reward may be picked. Higher: right answers may be left out."""
    submitted: setting_types.Sizes = (1, 2, 4)
    """How many answers ``best_of_majority`` submits, in the table ``submitted``."""
    kept: float = Field(default=0.5, gt=0, le=1)
    """Share of the samples, those of highest reward, that ``filtered`` lets vote."""
    mixed: Names = ()
    """Conditions that are mixed to one pool for each problem, to see what drawing from several is
    worth; by default all of them, but for greedy ones."""
    power: float = Field(default=1.0, ge=0)
    """Exponent of a sample's rank in ``borda``: 0 gives a majority vote, a large one best-of-N."""


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
    edit_distance: Literal["total", "longer"] = "total"
    """By what the edit distance of a first and a second answer is divided: the length of both
    together, or of the longer one."""


@dataclass(frozen=True, kw_only=True, config=STRICT)
class Tracking:
    """The ``tracking`` section: Weights & Biases, or trackio."""

    tracker: Literal["wandb", "trackio"] = "wandb"
    """``trackio``: `trackio show` opens its page on this machine, without an account; an extra."""
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

    name: setting_types.FolderName
    """It names the run's folder, results/NAME."""
    task: TaskSettings
    generation: Generation
    scoring: Scoring = Field(default_factory=Scoring)
    embedding: Embedding = Field(default_factory=Embedding)
    measure: Measure = Field(default_factory=Measure)
    selection: Selection = Field(default_factory=Selection)
    analysis: Analysis = Field(default_factory=Analysis)
    tracking: Tracking = Field(default_factory=Tracking)
    training: CorrectionTraining | None = None
    """How `workbench train-correction` teaches the model to correct its answers."""
    plugins: Names = ()
    """Python files (relative to the experiment file) and modules of your own, which add metrics,
    rewards, tasks, aggregators, tables and the like."""

    def __repr__(self) -> str:
        """Name the experiment, its task, its model and how many samples are drawn."""
        drawn = self.generation
        temperatures = ", ".join(f"{t:g}" if t is not None else "?" for t in drawn.temperatures)
        at = f"T = {temperatures}" if temperatures else "conditions of their own"
        what = f"{self.task.name}, {drawn.model}, {at}, n = {drawn.n}"
        return f"Experiment({self.name!r}: {what})"

    def __post_init__(self) -> None:
        """Refuse what contradicts itself."""
        faults = list(contradictions(self))
        if faults:
            raise ValueError("; ".join(map(str, faults)))


def contradictions(experiment: Experiment) -> Iterator[Fault]:
    """Return what is possible key by key but not together.

    Nothing is said about a setting that is faulty itself, and so raises ``Unsound`` where it is
    read; hence each check begins afresh.
    """
    generation, measure, scoring = experiment.generation, experiment.measure, experiment.scoring
    imported = getattr(generation, "backend", None) == "import"
    with suppress(Unsound):
        known = [t for t in generation.temperatures if t is not None]
        got = ", ".join("null" if t is None else f"{t:g}" for t in generation.temperatures)
        message = ""
        if imported and min(known, default=0) < 0:
            message = f"must not be negative, got [{got}]"
        if not imported and (None in generation.temperatures or min(known, default=1) <= 0):
            message = (
                f"every temperature must be above 0, got [{got}]; at 0 all n samples are one text: "
                "set generation.greedy to true for one greedy sample as a baseline"
            )
        if message:
            yield Fault(("generation", "temperatures"), message)
    with suppress(Unsound):
        k, n = max(measure.k), generation.n
        if k > n:
            way_out = "lower k" if imported else "raise generation.n or lower k"
            message = f"subsets of {k} samples need generation.n of at least {k}, got {n}; "
            yield Fault(("measure", "k"), message + way_out)
    with suppress(Unsound):
        longest, whole = generation.max_tokens, generation.max_model_len
        if whole is not None and longest >= whole:
            message = f"samples of {longest} tokens leave no room for a prompt in max_model_len = "
            way_out = f"{whole}; lower max_tokens or raise max_model_len"
            yield Fault(("generation", "max_tokens"), message + way_out)
    for section, key in (("selection", "reward"), ("measure", "dpp_quality")):
        with suppress(Unsound):
            reward = getattr(getattr(experiment, section), key)
            if reward is not None and reward not in scoring.rewards:
                message = f"{reward!r} is not among scoring.rewards {list(scoring.rewards)}; "
                yield Fault((section, key), message + "add it there or choose one of them")
    yield from task_faults(experiment.task)
    with suppress(Unsound):
        if "seq_entropy" in measure.metrics and generation.logprobs == 0 and not imported:
            message = "seq_entropy needs the entropies of the samples; set generation.logprobs to "
            yield Fault(("measure", "metrics"), message + "20, or leave it out")
    with suppress(Unsound):
        if experiment.embedding.source == "orm" and not (scoring.orm and scoring.orm.encodings):
            message = "'orm' needs the encodings of a reward model; set scoring.orm.model and "
            way_out = "scoring.orm.encodings to true, or choose 'text'"
            yield Fault(("embedding", "source"), message + way_out)
    yield from scoring_faults(scoring)
    yield from turn_faults(experiment)
    with suppress(Unsound):
        yield from training_faults(experiment.training)


def experiment_to_dict(experiment: Experiment) -> dict[str, Any]:
    """Return an experiment as plain dicts, lists, texts and numbers, defaults filled in.

    Settings of turns are left out where they change nothing, as older runs have none.
    """
    tree: dict[str, Any] = json.loads(json.dumps(asdict(experiment)))
    drawn = tree["generation"]
    if drawn["turns"] == 1:
        drawn = {name: value for name, value in drawn.items() if name not in OF_TURNS}
        if tree["task"]["correction"] == CORRECTION:
            del tree["task"]["correction"]
    going_on = drawn.pop("continued")
    tree["generation"] = drawn | ({"continue": going_on} if going_on else {})
    if tree["analysis"]["edit_distance"] == Analysis.edit_distance:
        del tree["analysis"]["edit_distance"]
    return tree


def dump_experiment(experiment: Experiment) -> str:
    """Return the resolved experiment as YAML; ``load_experiment`` gives it back equal."""
    return write_yaml(experiment_to_dict(experiment))
