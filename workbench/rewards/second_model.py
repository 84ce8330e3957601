"""A run's samples under other models: how likely each of ``scoring.models`` holds them.

A step of its own for each model, before the scoring. Each text of a block is read once, values go
to a journal as they come, and a finished block's table stands in ``under/NAME``, row by row:

- ``sum_logprob``, nats, and ``mean_logprob``, nats per token, of the completion after the run's own
  prompt (a conversation goes through the model's own chat template); ``num_tokens``;
- ``mean_entropy`` of the model's distributions at these tokens, nats, where ``logprobs`` is set:
  exact with transformers, with vLLM a lower bound (``workbench.models.token_entropy``);
- ``mean_certainty``, how far these distributions are from uniform, nats, with transformers only;
- ``token_logprobs``, nats, ``token_ids``, and ``token_steps``: the line that each token is of;
- ``missing``: why there are no values. ``failed``: there is no sample. ``too_long``: prompt and
  completion are longer than the model reads. ``no_logprob``: it has no such token, or holds one
  impossible, and a sum over the others would be none of the sample's.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from contextlib import AbstractContextManager, ExitStack
from typing import Any

from workbench.config.schema import Experiment
from workbench.config.scoring_schema import SecondModel
from workbench.core.console import notice, progress_bar
from workbench.core.types import Known
from workbench.generate import BACKENDS, engine_versions, resolve
from workbench.generate.drawing_settings import SPEED_OPTIONS
from workbench.models.locate import model_hash, resolve_model
from workbench.models.protocols import Reader
from workbench.models.tokenization import open_tokenizer, same_tokens
from workbench.rewards.judgement_cache import Facts, journal_path
from workbench.rewards.second_model_reader import Reading, read_values
from workbench.rewards.sequences import Spelling, prompts_of
from workbench.storage.journal import Journal
from workbench.storage.manifest import Manifest
from workbench.storage.parquet import fingerprint, read_table, write_table
from workbench.storage.run_folder import Folder, blocks, fresh, sample_hashes
from workbench.tasks.prompts import prompt_hash

VERSION = 2
"""Raise when a model is asked or read differently, so that finished runs are read again."""

REASONS = {
    "failed": "had failed",
    "too_long": "are too long (max_model_len)",
    "no_logprob": "hold a token that the model gives no log-probability",
}
"""Why a sample has no values, and how that is said."""


def table_of(name: str) -> str:
    """Return the table of one of ``scoring.models``."""
    return f"under/{name}"


def check_second(name: str, chat: bool, fetch: bool) -> None:
    """Look for a model, and in its tokenizer for what a conversation needs.

    Args:
        name: a folder, a hub name, or a packaged model.
        chat: whether the run's prompts are conversations.
        fetch: as for ``open_tokenizer``.

    Raises:
        ValueError: there is no such model, or it takes no conversation.
    """
    tokenizer = open_tokenizer(name, fetch)
    if chat and tokenizer is not None and not getattr(tokenizer, "chat_template", None):
        raise ValueError(
            f"{name} has no chat template, and the run's prompts are conversations; use an "
            "instruct model, or set task.prompt to completion"
        )


def check_engine(name: str, backend: str) -> None:
    """Raise ValueError if what is to run one of ``scoring.models`` is not installed."""
    engine_versions(resolve(backend), f"scoring.models.{name}.backend")


def read_under(folder: Folder, manifest: Manifest, experiment: Experiment) -> None:
    """Read every sample of the folder under each of ``scoring.models`` that has not read it.

    Raises:
        ValueError: a model cannot be loaded or gives NaN, the run's prompts cannot be built anew,
            or a file is damaged. Finished values are kept.
    """
    for name in experiment.scoring.models:
        _read_one(folder, manifest, experiment, name)


def _read_one(folder: Folder, manifest: Manifest, experiment: Experiment, name: str) -> None:
    settings, table = experiment.scoring.models[name], table_of(name)
    held = list(folder.blocks_with_samples())
    grouped = blocks(folder.read_problems(), manifest.data["problems_per_block"])
    drawn_by = manifest.data.get("identity", {}).get("model")
    identity = _identity(settings)
    judged_by = fingerprint(**identity)
    made_from = {
        block: fingerprint(
            judged_by=judged_by,
            drawn_by=drawn_by,
            samples=sample_hashes(folder, block),
            asked=_asked(grouped[block], experiment),
        )
        for block in held
    }
    todo = [block for block in held if not fresh(folder, table, block, made_from[block])]
    if not todo and manifest.stage(table).get("status") == "done":
        notice(f"{table}: up to date")
        return
    tables = _tables_of(experiment, judged_by)
    before = [stage for stage in map(manifest.stage, tables) if stage.get("vocabulary")]
    sizes = [stage["vocabulary"] for stage in before if stage["model"] == identity["model"]]
    with manifest.running(table, fingerprint(blocks=made_from)) as entry, ExitStack() as stack:
        entry["model"], entry["own_model"] = identity["model"], identity["model"] == drawn_by
        entry["vocabulary"] = sizes[0] if sizes else None  # until it is loaded, if it need be
        if settings.logprobs:
            entry["entropies"] = BACKENDS[identity["backend"]].entropies
        reading = Reading(
            folder=folder,
            tables=tables,
            judged_by=judged_by,
            prompts=prompts_of([known for block in todo for known in grouped[block]], experiment),
            spelling=_spelling(experiment, settings, entry["own_model"]),
        )
        texts = sum(len(reading.work(block).unread) for block in todo)
        if texts:
            notice(f"{table}: {texts:,} texts to read with {settings.model}")
        advance = stack.enter_context(progress_bar(table, texts, "texts"))
        reader: Reader | None = None
        facts = Facts()
        for block in todo:
            work = reading.work(block)
            if work.unread:
                reader = reader or stack.enter_context(_open(settings))
                entry["vocabulary"] = reader.vocabulary
                with Journal(journal_path(folder, table, block)) as journal:
                    for text, values in read_values(reading, reader, work.unread, facts, name):
                        journal.add({"judged_by": judged_by, "text": text, **values})
                        work.values[text] = values
                        entry.update(facts.counts())
                        advance(1)
            write_table(folder.block_path(table, block), work.table(judged_by), made_from[block])
            journal_path(folder, table, block).unlink(missing_ok=True)
        entry["missing"] = _missing(folder, table, held)
    if entry["missing"]:
        said = [f"{count:,} {REASONS[reason]}" for reason, count in entry["missing"].items()]
        notice(f"{table}: samples without values: {', '.join(said)}")


def _asked(known: Sequence[Known], experiment: Experiment) -> list[list[str]]:
    """Return the problems of a block with the hashes of the prompts that are read with them."""
    if experiment.generation.backend != "import":
        return [[item.problem.id, item.prompt_hash] for item in known]
    return [[name, prompt_hash(p)] for name, p in prompts_of(known, experiment).items()]


def _identity(settings: SecondModel) -> dict[str, Any]:
    """Return what decides the values, apart from the text."""
    backend = resolve(settings.backend)
    return {
        "version": VERSION,
        "model": model_hash(resolve_model(settings.model)),
        "backend": backend,
        "engine_versions": engine_versions(backend),
        "dtype": settings.dtype,
        "max_model_len": settings.max_model_len,
        "logprobs": settings.logprobs,
        "engine": {k: v for k, v in settings.engine.items() if k not in SPEED_OPTIONS},
    }


def _tables_of(experiment: Experiment, judged_by: str) -> list[str]:
    """Return the tables of a model by all its names: what has two names is read once."""
    return [
        table_of(name)
        for name, settings in experiment.scoring.models.items()
        if fingerprint(**_identity(settings)) == judged_by
    ]


def _spelling(experiment: Experiment, settings: SecondModel, own_model: bool) -> Spelling:
    """Find out whether a model reads the very tokens of the samples."""
    drawn = experiment.generation
    may_stop = bool(drawn.stop)
    if own_model:
        return Spelling(same=True, ends=None, may_stop=may_stop)
    if not BACKENDS[resolve(drawn.backend)].local_model:
        return Spelling(same=False, ends=None, may_stop=may_stop)
    from transformers import AutoTokenizer  # a slow import

    try:
        own = AutoTokenizer.from_pretrained(str(resolve_model(drawn.model)))
    except (ValueError, OSError) as fault:
        raise ValueError(
            f"whether {settings.model} has the tokens of the samples cannot be told without the "
            f"tokenizer of generation.model: {fault}"
        ) from fault
    second = AutoTokenizer.from_pretrained(str(resolve_model(settings.model)))
    ends = frozenset(own.all_special_ids)
    return Spelling(same=same_tokens(own, second), ends=ends, may_stop=may_stop)


def _open(settings: SecondModel) -> AbstractContextManager[Reader]:
    if resolve(settings.backend) == "vllm":
        from workbench.models.vllm_engine import open_reader  # slow imports, both
    else:
        from workbench.models.hf_forced import open_reader
    return open_reader(settings)


def _missing(folder: Folder, table: str, held: Sequence[int]) -> dict[str, int]:
    """Count the samples without values, over the whole run, by reason."""
    reasons = Counter[str]()
    for block in held:
        column = read_table(folder.block_path(table, block), ["missing"]).column("missing")
        reasons.update(reason for reason in column.to_pylist() if reason is not None)
    return dict(reasons)
