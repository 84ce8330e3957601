"""The toy: name the largest of five digits, of which the first turn shows three.

The other two are told before the second turn, in ``task.correction``. So a first answer can only be
right where the largest digit is among the three, and a second one needs what was told, beside the
first answer or the first digits. The base model was trained by examples whose second answers mostly
repeat the first, as those of language models do.
"""

import itertools
import json
import warnings

import numpy as np
import yaml

from workbench.core.types import Prompt
from workbench.models.tokenization import encode_prompt
from workbench.tasks.correction import corrected_prompt

SHOWN, HIDDEN = 3, 2
PROBLEMS = 900
EXAMPLES = 4000
"""Conversations that the base model has learnt from."""
LETTERS = [chr(code) for code in range(32, 127)] + ["\n"]
TEMPLATE = (
    "{% for message in messages %}{{ message['content'] }}"
    "{{ '<|end|>' if message['role'] == 'assistant' else '\n' }}{% endfor %}"
)
FIRST_GUESSED, SECOND_REPEATED, SECOND_GUESSED = 0.3, 0.6, 0.2
"""Shares of the base model's examples: first answers that are any digit, second ones that repeat
the first, and second ones that are any digit; the others are right, as far as can be known."""


def make_tokenizer(folder):
    """A token for each printable letter of ASCII, and one that ends an answer."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    words = {letter: number for number, letter in enumerate(["<|end|>", *LETTERS])}
    made = Tokenizer(models.WordLevel(words, unk_token=" "))
    made.pre_tokenizer = pre_tokenizers.Split("", "isolated")
    made.decoder = decoders.Fuse()
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=made, eos_token="<|end|>", pad_token="<|end|>", chat_template=TEMPLATE
    )
    tokenizer.save_pretrained(folder)
    return tokenizer


def make_base(folder, seed, steps=400, batch=128):
    """Make a tiny Llama of two layers that has learnt the examples described above."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of torch and transformers, at import
        import torch
        from transformers import LlamaConfig, LlamaForCausalLM

    tokenizer = make_tokenizer(folder)
    torch.manual_seed(seed)
    network = LlamaForCausalLM(
        LlamaConfig(
            vocab_size=len(tokenizer), hidden_size=64, intermediate_size=128, num_hidden_layers=2,
            num_attention_heads=4, num_key_value_heads=4, max_position_embeddings=128,
            bos_token_id=None, eos_token_id=tokenizer.eos_token_id, tie_word_embeddings=True,
        )
    )  # fmt: skip
    rng = np.random.default_rng([seed, 7])
    every = [turn for _ in range(EXAMPLES) for turn in _examples(tokenizer, rng)]
    longest = max(len(prompt) + len(answer) for prompt, answer in every)
    ids = torch.zeros((len(every), longest), dtype=torch.long)
    labels = torch.full_like(ids, -100)
    for row, (prompt, answer) in enumerate(every):
        whole = [*prompt, *answer]
        ids[row, : len(whole)] = torch.tensor(whole)
        labels[row, len(prompt) : len(whole)] = torch.tensor(answer)
    optimizer = torch.optim.AdamW(network.parameters(), lr=3e-3)
    for step in range(steps):
        for group in optimizer.param_groups:
            group["lr"] = 3e-3 * (1 - step / steps)
        rows = torch.tensor(rng.integers(0, len(every), batch))
        logits = network(input_ids=ids[rows]).logits[:, :-1]
        loss = torch.nn.functional.cross_entropy(
            logits.reshape(-1, logits.shape[-1]), labels[rows, 1:].reshape(-1), ignore_index=-100
        )
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
    network.save_pretrained(folder)
    return folder


def _examples(tokenizer, rng):
    """Both turns of one conversation, as (prompt, answer) in tokens."""
    digits = rng.integers(0, 10, SHOWN + HIDDEN)
    shown, hidden = spelt(digits)
    guess = int(rng.integers(10))
    first = guess if rng.random() < FIRST_GUESSED else int(digits.max())
    chance = rng.random()
    second = int(digits.max())
    if chance < SECOND_REPEATED:
        second = first
    elif chance < SECOND_REPEATED + SECOND_GUESSED:
        second = int(rng.integers(10))
    prompt = Prompt(messages=({"role": "user", "content": shown},))
    for asked, answer in (
        (prompt, first),
        (corrected_prompt(prompt, str(first), hidden), second),
    ):
        yield encode_prompt(tokenizer, asked), [*tokenizer.encode(str(answer)), 0]


def spelt(digits):
    """The digits that are shown at first, and those that are told later."""
    text = "".join(map(str, digits))
    return text[:SHOWN], text[SHOWN:]


def write_problems(path, seed=0, count=PROBLEMS):
    """Write problems, no two of one question."""
    rng = np.random.default_rng([seed, 8])
    every = list(itertools.product(range(10), repeat=SHOWN))
    lines = []
    for number in rng.permutation(len(every))[:count]:
        digits = np.array([*every[number], *rng.integers(0, 10, HIDDEN)])
        shown, hidden = spelt(digits)
        row = {"id": shown, "problem": shown, "hidden": hidden, "gold": str(digits.max())}
        lines.append(json.dumps(row) + "\n")
    path.write_text("".join(lines))
    return path


def write_toy(home, base, seed, **training):
    """Write the experiment of one training on the toy; returns its path."""
    tree = {
        "name": "toy",
        "task": {
            "name": "jsonl", "source": str(home / "problems.jsonl"), "system": "",
            "correction": "{{ hidden }}", "thinking": {"family": "none"},
            "options": {"compare": "exact", "whole_text": True},
        },
        "generation": {
            "model": str(base), "backend": "transformers", "max_tokens": 2, "seed": seed,
        },
        "tracking": {"mode": "disabled"},
        "training": {
            "rank": 0, "precision": "float32", "held_out": 0.3, "batch_size": 128, "samples": 8,
            "lr": 1e-3, "warmup": 3, "evaluate_every": 1000, "evaluation_samples": 4,
            "save_every": 1000,
        } | training,
    }  # fmt: skip
    if not (home / "problems.jsonl").exists():
        write_problems(home / "problems.jsonl")
    path = home / "toy.yaml"
    path.write_text(yaml.safe_dump(tree))
    return path
