"""Log-probabilities of a run's samples under the second models, those of ``scoring.models``.

A step of its own for each model, before the scoring. The table of a model is ``under/NAME``, with
one row for each sample:

- ``sum_logprob``, nats, and ``mean_logprob``, nats per token, of the completion after the run's own
  prompt (a conversation goes through the second model's own chat template); ``num_tokens``; a
  thought before the answer is scored with it, whatever ``measure.text`` says;
- ``mean_entropy`` of the model's distributions at these tokens, nats, if ``logprobs`` is set:
  exact with transformers, with vLLM a lower bound (``workbench.models.token_entropy``);
- ``mean_certainty``, the distance of these distributions from uniform, nats, with transformers
  only;
- ``token_logprobs``, nats, ``token_ids``, and ``token_steps``: the line of each token;
- ``missing``: why there are no values. ``failed``: there is no sample. ``too_long``: prompt and
  completion are longer than the model reads. ``no_logprob``: the model does not have one of the
  tokens, or holds it impossible, so that there is no sum over all of them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import chain
from typing import Any

from workbench.config.conditions import loading_of, settings_of
from workbench.config.scoring_schema import SecondModel
from workbench.core.console import notice
from workbench.core.types import Known
from workbench.generate import BACKENDS, resolve
from workbench.models.chat_template import check_conversation
from workbench.models.locate import resolve_model
from workbench.models.protocols import CompletionScorer
from workbench.models.scoring_library import scoring_library
from workbench.models.tokenization import open_tokenizer, same_tokens
from workbench.rewards.block_step import BlockStep
from workbench.rewards.model_step import Judged, ModelStep, model_identity
from workbench.rewards.second_model_reader import VALUE_TYPES, read_texts, score_texts, to_columns
from workbench.rewards.sequences import Spelling, prompts_of
from workbench.storage.open_run import OpenRun
from workbench.storage.parquet import fingerprint
from workbench.tasks.asked_again import hashes_of
from workbench.tasks.prompts import prompt_hash

VERSION = 2
"""Raise when a model is asked or read differently, so that finished runs are read again."""

REASONS = {
    "failed": "had failed",
    "too_long": "are too long (max_model_len)",
    "no_logprob": "hold a token that the model gives no log-probability",
}
"""Why a sample has no values, and the words for it in a notice."""


def table_of(name: str) -> str:
    """Return the table of one of ``scoring.models``."""
    return f"under/{name}"


def check_model(
    name: str,
    roles: Sequence[str],
    options: Mapping[str, Any],
    *,
    fetch: bool,
    section: str = "task",
) -> None:
    """Check that a model exists, and that its chat template takes the conversations of the run.

    Args:
        name: a folder, a hub name, or a packaged model.
        roles: who speaks in each message; empty where prompts are plain texts.
        options: switches of the chat template.
        fetch: whether a tokenizer that is not here is fetched from the hub.
        section: the key of the settings that ask so, which the message names.

    Raises:
        ValueError: there is no such model, or it does not take them.
    """
    tokenizer = open_tokenizer(name, fetch)
    if not roles:
        return
    if tokenizer is not None and not getattr(tokenizer, "chat_template", None):
        raise ValueError(
            f"{name} has no chat template, and the run's prompts are conversations; use an "
            f"instruct model, or set {section}.prompt to completion"
        )
    check_conversation(name, roles, options, section)


def score_under_second_models(run: OpenRun, models: Mapping[str, SecondModel]) -> None:
    """Score every sample of a run under each of ``scoring.models`` that has not scored it.

    Raises:
        ValueError: a model cannot be loaded or gives NaN, the run's prompts cannot be built again,
            or a file is damaged. Finished values are kept.
    """
    for name in models:
        _score_under(run, models, name)


def _score_under(run: OpenRun, models: Mapping[str, SecondModel], name: str) -> None:
    settings, table = models[name], table_of(name)
    grouped = run.known_problems()
    drawn_by = _drawn_by(run)
    identity = _identity(name, settings)
    backend = identity["backend"]
    judged_by = fingerprint(**identity)
    made_from = {
        block: fingerprint(
            judged_by=judged_by,
            drawn_by=drawn_by,
            samples=run.sample_hashes(block),
            asked=_prompt_hashes(run, known),
        )
        for block, known in grouped.items()
    }
    step = BlockStep(run, stage=table, table=table, made_from=made_from)
    outdated = step.outdated_blocks()
    if outdated is None:
        return
    # under all names of one model, so that it scores a text only once
    same = [n for n, other in models.items() if fingerprint(**_identity(n, other)) == judged_by]
    tables = [table_of(n) for n in same]
    earlier = [stage for stage in map(run.manifest.stage, tables) if stage.get("vocabulary")]
    sizes = [stage["vocabulary"] for stage in earlier if stage["model"] == identity["model"]]
    with step.running() as entry:
        entry["model"], entry["own_model"] = identity["model"], identity["model"] == drawn_by
        entry["vocabulary"] = sizes[0] if sizes else None  # the model may not have to be loaded
        if settings.logprobs:
            entry["entropies"] = BACKENDS[backend].entropies
        prompts = prompts_of(run, [item for b in outdated for item in grouped[b]])
        spelling = _spelling(run, settings, entry["own_model"])

        def judge(scorer: CompletionScorer, texts: Mapping[str, Any]) -> Judged:
            entry["vocabulary"] = scorer.vocabulary
            return score_texts(scorer, texts, prompts, spelling, name)

        model_step = ModelStep(
            step=step,
            judged_by=judged_by,
            columns=VALUE_TYPES,
            read_texts=lambda block: read_texts(run, block, prompts, spelling),
            open_model=lambda: scoring_library(backend).open_completion_scorer(settings),
            judge=judge,
            cached_in=tables,
            to_columns=to_columns,
        )
        model_step.run(outdated, entry, f"to read with {settings.model}")
        reasons = [
            step.read_column(block, "missing").drop_null().to_pylist() for block in made_from
        ]
        missing = Counter(chain.from_iterable(reasons))
        entry["missing"] = dict(missing)
    if missing:
        counts = [f"{count:,} {REASONS[reason]}" for reason, count in missing.items()]
        notice(f"{table}: samples without values: {', '.join(counts)}")


def _prompt_hashes(run: OpenRun, known: Sequence[Known]) -> list[list[str]]:
    """Return the problems of a block with the hashes of their prompts under a second model."""
    if not run.imported:
        hashes = ((item.problem.id, *hashes_of(item).values()) for item in known)
        return [[*each] for each in hashes]
    return [[name, prompt_hash(p)] for (name, _), p in prompts_of(run, known).items()]


def _drawn_by(run: OpenRun) -> Any:
    """Return the hash of the model that drew the samples, or a list of them where several did."""
    conditions = run.manifest.data.get("conditions", {}).values()
    own = run.manifest.data.get("identity", {}).get("model")
    others = {one["model_hash"] for one in conditions if "model_hash" in one} - {own}
    return [own, *sorted(others)] if others else own


def _identity(name: str, settings: SecondModel) -> dict[str, Any]:
    key = f"scoring.models.{name}.backend"
    identity = model_identity(settings, VERSION, resolve(settings.backend), key)
    return identity | {"logprobs": settings.logprobs}


def _spelling(run: OpenRun, settings: SecondModel, own_model: bool) -> Spelling:
    """Find out whether a second model has the tokenizers by which the samples were drawn."""
    drawn = run.generation
    may_stop = any(settings_of(one, drawn).stop for one in run.conditions)
    models = {one.name: loading_of(one, drawn).model for one in run.conditions}
    if own_model or not BACKENDS[resolve(drawn.backend)].local_model:
        return Spelling(same=own_model, ends=None, may_stop=may_stop)
    from transformers import AutoTokenizer  # a slow import

    try:
        own = {
            model: AutoTokenizer.from_pretrained(str(resolve_model(model)))
            for model in dict.fromkeys(models.values())
        }
    except (ValueError, OSError) as fault:
        raise ValueError(
            f"whether {settings.model} has the tokens of the samples cannot be told without the "
            f"tokenizer of the model that drew them: {fault}"
        ) from fault
    second = AutoTokenizer.from_pretrained(str(resolve_model(settings.model)))
    same = all(same_tokens(tokenizer, second) for tokenizer in own.values())
    ends = {model: frozenset(tokenizer.all_special_ids) for model, tokenizer in own.items()}
    if len(own) == 1:
        return Spelling(same=same, ends=next(iter(ends.values())), may_stop=may_stop)
    ends_in = {name: ends[model] for name, model in models.items()}
    return Spelling(same=same, ends=None, may_stop=may_stop, ends_in=ends_in)
