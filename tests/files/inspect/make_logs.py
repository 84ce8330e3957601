"""Write small logs with Inspect itself: a real model with log-probabilities, and mock ones.

Run in an empty folder that holds ``SmolLM2-135M-Instruct`` (a model's folder or a link to it).
"""

import re
import sys
import zipfile
from pathlib import Path

import inspect_ai
from inspect_ai import Epochs, Task, eval
from inspect_ai.dataset import Sample
from inspect_ai.model import GenerateConfig, Logprob, Logprobs, ModelAPI, ModelOutput, get_model
from inspect_ai.scorer import CORRECT, INCORRECT, NOANSWER, PARTIAL, Score, accuracy, mean, scorer
from inspect_ai.solver import generate, solver

SUMS = {"What is 4 + 9?": "13", "What is 2 + 3?": "5", "What is 17 - 8?": "9",
        "What is 6 + 1?": "7", "What is 12 - 5?": "7", "What is 20 + 15?": "35"}  # fmt: skip


def samples():
    return [Sample(id=f"sum-{i}", input=q, target=a) for i, (q, a) in enumerate(SUMS.items(), 1)]


def last_number(text):
    found = re.findall(r"-?\d+", text)
    return found[-1] if found else None


@scorer(metrics=[accuracy()])
def number():
    async def score(state, target):
        answer = last_number(state.output.completion)
        if answer is None:
            return Score(value=NOANSWER)
        return Score(value=CORRECT if answer == target.text else INCORRECT, answer=answer)

    return score


@scorer(metrics=[mean()])
def close():
    async def score(state, target):
        answer = last_number(state.output.completion)
        return Score(value=float(answer is not None and abs(int(answer) - int(target.text)) <= 1),
                     answer=answer)  # fmt: skip

    return score


@scorer(metrics=[accuracy()])
def partly():
    async def score(state, target):
        return Score(value=PARTIAL, answer="4")

    return score


@solver
def sometimes_fails():
    async def solve(state, generate):
        if state.sample_id == "sum-2" and state.epoch == 2:
            raise RuntimeError("made to fail")
        return await generate(state)

    return solve


async def count(self, input, config=None):
    return 1


def output(number, text):
    """Return a made-up output: every fifth is cut off, and all have log-probabilities."""
    reason = "max_tokens" if number % 5 == 4 else "stop"
    made = ModelOutput.from_content("mockllm/model", text, stop_reason=reason)
    tokens = re.findall(r" ?[^ ]+", text)
    made.choices[0].logprobs = Logprobs(
        content=[Logprob(token=token, logprob=-0.25 * (i + 1)) for i, token in enumerate(tokens)]
    )
    return made


def tokens_without_a_network():
    ModelAPI.count_tokens = count
    ModelAPI.count_text_tokens = count
    ModelAPI.count_tool_tokens = count


def without_places(path):
    """Take the folders of this machine out of the tracebacks of a log."""
    here, packages = f"{Path.cwd()}/", f"{Path(inspect_ai.__file__).parents[1]}/"
    with zipfile.ZipFile(path) as old:
        members = [(info, old.read(info).decode()) for info in old.infolist()]
    with zipfile.ZipFile(path, "w", members[0][0].compress_type) as new:
        for info, text in members:
            new.writestr(info.filename, text.replace(here, "").replace(packages, ""))


if __name__ == "__main__":
    real = Task(name="sums", dataset=samples(), solver=generate(), scorer=number(),
                config=GenerateConfig(temperature=0.7, max_tokens=24, logprobs=True, seed=0),
                epochs=Epochs(4, "mean"))  # fmt: skip
    if "mocked" not in sys.argv[1:]:
        eval(real, model="hf/SmolLM2-135M-Instruct", log_dir="real", display="none",
             model_args={"model_path": "SmolLM2-135M-Instruct", "device": "cpu"})  # fmt: skip
    tokens_without_a_network()
    said = ["It is 13.", "No idea.", "So 6", "9", "7 it is", "7", "34"] * 20
    mock = get_model(
        "mockllm/model", custom_outputs=[output(i, text) for i, text in enumerate(said)]
    )
    task = Task(name="mocked", dataset=samples(), solver=sometimes_fails(),
                scorer=[number(), close(), partly()], epochs=Epochs(2, "mean"),
                config=GenerateConfig(temperature=1.0))  # fmt: skip
    eval(task, model=mock, log_dir="mocked", log_format="eval", display="none",
         fail_on_error=False, max_connections=1, max_samples=1)  # fmt: skip
    for path in Path().glob("*/*.eval"):
        without_places(path)
