"""The commands about rewards and votes: ``train-reward`` and ``vote``."""

from pathlib import Path
from typing import Annotated

from typer import Argument, Option


def train_reward(
    runs: Annotated[list[Path], Argument(help="Scored runs whose samples are learnt from.")],
    out: Annotated[Path, Option(metavar="FOLDER", help="Where the model is written.")],
    model: Annotated[str, Option(help="What is fine-tuned.")] = "SmolLM2-135M-Instruct",
    epochs: Annotated[float, Option(help="How often each solution is seen.")] = 3,
    max_steps: Annotated[int | None, Option(help="Batches, instead of epochs.")] = None,
    batch_size: Annotated[int, Option(help="Solutions in a batch.")] = 16,
    lr: Annotated[float, Option(help="Highest learning rate.")] = 2e-4,
    rank: Annotated[int, Option(help="Of LoRA's matrices.")] = 16,
    balance: Annotated[
        bool, Option("--balance", help="Weigh right and wrong solutions alike in sum.")
    ] = False,
    validation: Annotated[
        float, Option(help="Share of the problems that the step is chosen by.")
    ] = 0.15,
    test: Annotated[float, Option(help="Share that the model is judged on.")] = 0.2,
    seed: Annotated[int, Option(help="Of the split, first weights and order.")] = 0,
    dtype: Annotated[str, Option(help="auto, float32 or bfloat16.")] = "auto",
    max_model_len: Annotated[
        int | None, Option(help="Longest problem and solution, tokens.")
    ] = None,
    recompute: Annotated[
        bool | None, Option(help="Save memory: slower. Default: on a GPU.")
    ] = None,
) -> None:
    """Fine-tune a model for the reward `orm`.

    It learns by LoRA to say + after a right solution and - after a wrong one, from samples that
    are split by problem. If it is stopped, the same command goes on from the last checkpoint.
    """
    from analysis.held_out_rewards import judge, show
    from workbench.reward_training.options import Training
    from workbench.reward_training.train import train

    how = Training(
        model=model, epochs=epochs, max_steps=max_steps, batch_size=batch_size, lr=lr, rank=rank,
        balance=balance, validation=validation, test=test, seed=seed, dtype=dtype,
        max_model_len=max_model_len, recompute=recompute,
    )  # fmt: skip
    train(runs, out, how, judge)
    show(out)
    print(f"model    {out}  (--set scoring.orm.model={out}, with orm among scoring.rewards)")
    print(f"split    {out / 'split.csv'}  (judge it on other problems than it was trained on)")
    print(f"figure   {out / 'figures' / 'training.png'}")


def vote(
    runs: Annotated[
        list[Path], Argument(help="Runs on the same problems; of one its temperatures vote.")
    ],
    k: Annotated[
        list[int] | None,
        Option(help="Samples that each pool hands in. May be repeated. Default: measure.k."),
    ] = None,
) -> None:
    """Let several runs vote together.

    Each sample has one vote, or a weight by how far its run agrees with itself.
    """
    from analysis.compare.joint_vote import vote as voted
    from analysis.terminal import print_table, stdout

    table = voted(runs, k or ())
    print_table(stdout(), "vote", table.frame, "\n".join(table.notes))
