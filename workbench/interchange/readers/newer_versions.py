"""What is said of a file of a version that is not known: it is read as far as it is alike.

The keys of the versions that are known tell what is new in a newer one.
"""

from collections.abc import Iterable

from workbench.interchange.readers.records import say_once

INSPECT_KEYS = frozenset(
    ("attachments", "choices", "completed_at", "config_updates", "description", "epoch", "error",
     "error_retries", "etag", "eval", "events", "events_data", "files", "id", "input",
     "invalidated", "invalidation", "limit", "location", "log_updates", "message_limit", "messages",
     "metadata", "model_fallbacks", "model_usage", "output", "plan", "reductions", "results",
     "role_usage", "samples", "sandbox", "scores", "setup", "started_at", "stats", "status",
     "store", "tags", "target", "time_limit", "timelines", "token_limit", "token_limit_type",
     "token_limit_usage", "total_time", "turn_count", "uuid", "version", "working_time")
)  # fmt: skip
"""Of a log and of a sample: ``EvalLog`` and ``EvalSample`` of inspect_ai 0.3.285."""
LM_EVAL_KEYS = frozenset(
    ("arguments", "doc", "doc_hash", "doc_id", "filter", "filtered_resps", "metrics",
     "prompt_hash", "resps", "target", "target_hash", "workbench")
)  # fmt: skip
"""Of a line, without its metrics: ``lm_eval/evaluator.py``, 0.4.0 to 0.4.13."""
PROMPTFOO_KEYS = frozenset(
    ("cost", "description", "error", "failureReason", "gradingResult", "id", "latencyMs",
     "metadata", "namedScores", "prompt", "promptId", "promptIdx", "provider", "response", "score",
     "success", "testCase", "testIdx", "tokenUsage", "vars")
)  # fmt: skip
"""Of a result: ``EvaluateResult`` of promptfoo's ``src/types/index.ts``, versions 2 and 3."""
EVERY_EVAL_EVER_KEYS = frozenset(
    ("answer_attribution", "error", "evaluation", "evaluation_id", "evaluation_name",
     "evaluation_result_id", "input", "interaction_type", "messages", "metadata", "model_id",
     "output", "performance", "sample_hash", "sample_id", "schema_version", "token_usage")
)  # fmt: skip
"""Of a line: ``instance_level_eval.schema.json`` of Every Eval Ever, 0.2.2."""


def say_newer(remark: str, keys: Iterable[str], known: frozenset[str]) -> None:
    """Print that a file is of a version that is not known, and which of its keys are new.

    Example:
        >>> say_newer("a.json is of version 9, and 2 is known", ["id", "age"], INSPECT_KEYS)
    """
    new = ", ".join(sorted({*keys} - known))
    also = f"; not read, as they are new: {new}" if new else ""
    say_once(f"{remark}: it is read as far as it is alike{also}")
