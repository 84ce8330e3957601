"""A tiny task of lighteval: sums, four samples each."""

from lighteval.metrics.metrics import Metrics
from lighteval.tasks.lighteval_task import LightevalTaskConfig
from lighteval.tasks.requests import Doc

SHOTS = (
    "Q: What is 2 + 2?\nA: We add 2 and 2 to get 4. The answer is \\boxed{4}.\n\n"
    "Q: What is 9 - 3?\nA: We subtract 3 from 9 to get 6. The answer is \\boxed{6}.\n\n"
)


def prompt(line, task_name=None):
    query = f"{SHOTS}Q: {line['question']}\nA:"
    return Doc(task_name=task_name, query=query, choices=[line["answer"]], gold_index=0)


def task(name, metric):
    return LightevalTaskConfig(
        name=name,
        prompt_function=prompt,
        hf_repo="data",
        hf_subset="default",
        hf_avail_splits=["test"],
        evaluation_splits=["test"],
        few_shots_split=None,
        few_shots_select=None,
        generation_size=40,
        stop_sequence=["\n"],
        metrics=[metric],
    )


TASKS_TABLE = [
    task("sums", Metrics.avg_at_n_math(sample_params={"n": 4})),
    task("sums_once", Metrics.expr_gold_metric),
]
