"""The names that people give the columns of samples, and which of ours each stands for."""

OTHER_NAMES: dict[str, tuple[str, ...]] = {
    "problem_id": (
        "task_id", "question_id", "example_id", "problem_idx", "question_idx", "doc_id",
        "unique_id", "idx",
    ),
    "problem": ("question",),
    "text": (
        "completion", "response", "output", "generation", "model_output", "generated_text",
        "completions", "responses", "outputs", "generations", "model_outputs", "texts",
    ),
    "gold": (
        "gt", "gt_answer", "ground_truth", "target", "expected_answer", "gold_answer",
        "reference_answer", "correct_answer",
    ),
    "answer": (
        "pred", "preds", "predicted_answer", "predicted_answers", "extracted_answer",
        "extracted_answers", "answers",
    ),
    "correct": (
        "is_correct", "passed", "symbolic_correct", "is_corrects", "graded_list", "score", "scores",
    ),
    "reward": ("rm_score", "rm_scores", "rewards", "reward_score"),
    "model": ("model_id", "model_name"),
    "temperature": ("temp", "sampling_temperature"),
    "sample_index": ("sample_idx", "epoch"),
    "num_tokens": ("completion_tokens", "num_generated_tokens"),
    "stop_reason": ("finish_reason",),
    "max_tokens": ("max_new_tokens", "max_gen_toks", "max_completion_tokens", "max_output_tokens"),
}  # fmt: skip
"""Our name -> other names that can mean nothing else, where their values are of its kind.
Of two that are there none is taken, unless both hold the same."""

LIST_NAMES: dict[str, tuple[str, ...]] = {
    "problem_id": ("id",),
    "text": ("code", "code_list", "output_list", "samples", "solutions", "resps"),
}
"""More of them, in a row that holds a list of samples."""

LIKELY_NAMES: dict[str, tuple[str, ...]] = {
    "problem_id": ("id", "key", "index", "uid", "qid", "sample_id"),
    "problem": ("prompt", "input", "query", "instruction"),
    "text": ("solution", "prediction", "answer", "message", "content", "code", "samples"),
    "gold": ("answer", "solution", "label", "reference", "canonical_solution"),
    "answer": ("prediction", "predictions", "parsed", "final_answer"),
    "correct": ("acc", "accuracy", "exact_match", "label", "result", "grade", "pass"),
    "reward": ("score", "scores", "rating", "value", "logit"),
    "model": ("generator", "engine", "provider", "model_path", "checkpoint"),
    "temperature": ("t", "sampling_temp"),
    "prompt_style": ("prompt_name", "prompt_type", "prompt_id", "template", "prompt_template"),
    "sample_index": ("idx", "sample_id", "rollout", "attempt", "trial", "repeat", "run"),
}  # fmt: skip
"""Our name -> names that may mean it, and may mean something else: named to the user, not taken."""

OF_A_SAMPLE = frozenset(
    {
        "text", "answer", "correct", "reward", "sample_index", "token_logprobs", "logprob",
        "mean_logprob", "num_tokens", "mean_entropy", "thought", "num_thought_tokens",
        "thought_logprob", "answer_logprob", "thought_entropy", "answer_entropy", "stop_reason",
        "error", "graded_by", "seed",
    }
)  # fmt: skip
"""What differs between the samples of a problem; in a row with several, each of them is a list."""

ROW_NAMES = frozenset({"problem_id", "problem", "id", "prompt"}).union(
    OTHER_NAMES["problem_id"], OTHER_NAMES["problem"]
)
"""Names of which an object has one if it is about one problem."""


def holds_texts(names: frozenset[str]) -> bool:
    """Say whether columns of these names can be those of samples: one is known to hold texts.

    Example:
        >>> holds_texts(frozenset({"idx", "code"})), holds_texts(frozenset({"accuracy", "n"}))
        (True, False)
    """
    return bool(names & {"text", *OTHER_NAMES["text"], *LIST_NAMES["text"]})
