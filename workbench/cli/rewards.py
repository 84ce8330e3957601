"""The commands about rewards and votes: ``train-reward`` and ``vote``."""

from pathlib import Path
from typing import Annotated

from typer import Argument, Option

from workbench.cli.options import k_option, out_option


def train_reward(
    runs: Annotated[
        list[Path], Argument(help="The scored runs from whose samples the model learns.")
    ],
    out: Annotated[Path, out_option()],
    model: Annotated[
        str, Option(metavar="MODEL", help="The model to fine-tune: a folder or a name.")
    ] = "SmolLM2-135M-Instruct",
    epochs: Annotated[float, Option(metavar="N", help="How many times each solution is used.")] = 3,
    max_steps: Annotated[
        int | None, Option(metavar="N", help="Train for so many batches instead of epochs.")
    ] = None,
    batch_size: Annotated[
        int, Option(metavar="N", help="The number of solutions in a batch.")
    ] = 16,
    lr: Annotated[float, Option(metavar="RATE", help="The highest learning rate.")] = 2e-4,
    rank: Annotated[int, Option(metavar="N", help="The rank of the matrices that LoRA adds.")] = 16,
    balance: Annotated[
        bool,
        Option("--balance", help="Give right and wrong solutions the same total weight."),
    ] = False,
    validation: Annotated[
        float,
        Option(metavar="SHARE", help="The share of the problems by which the best step is chosen."),
    ] = 0.15,
    test: Annotated[
        float,
        Option(metavar="SHARE", help="The share of the problems on which the model is judged."),
    ] = 0.2,
    seed: Annotated[
        int,
        Option(metavar="N", help="The seed of the split, of the first weights and of the order."),
    ] = 0,
    dtype: Annotated[
        str,
        Option(metavar="DTYPE", help="The type of the weights: auto, float32 or bfloat16."),
    ] = "auto",
    max_model_len: Annotated[
        int | None,
        Option(metavar="N", help="The longest problem and solution together, in tokens."),
    ] = None,
    recompute: Annotated[
        bool | None,
        Option(help="Save memory by computing slower, or do not.", show_default="yes on a GPU"),
    ] = None,
) -> None:
    """Fine-tune an outcome reward model, for the reward `orm`.

    The model is written into the folder --out. It learns by LoRA to say + after a right solution
    and - after a wrong one. It learns from the samples of runs, and is judged on problems that it
    was not trained on. If the training is stopped, the same command goes on from the last
    checkpoint.
    """
    from workbench.analysis.held_out_rewards import judge, show
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
        list[Path],
        Argument(help="Runs on the same problems. If it is one run, its conditions vote."),
    ],
    k: Annotated[list[int] | None, k_option("measure.k")] = None,
    pool: Annotated[
        list[str] | None,
        Option(
            "--pool",
            metavar="RUN:CONDITION",
            help="A pool that votes: a run's name and a condition, such as eight:T0.7, or of one "
            "run the condition. It may be given several times.",
            show_default="all that were sampled",
        ),
    ] = None,
    out: Annotated[Path | None, out_option("RUN/compare")] = None,
) -> None:
    """Let several runs, or one run's conditions, vote together.

    Each pool hands in k samples. Each sample has one vote, or a weight by how far the samples of
    its run agree. Beside these votes each pool stands alone: with k samples, with as many as all
    pools spend together, and with as many tokens. The table is written as CSV too.
    """
    from workbench.analysis.compare.files import comparison_folder, save_tables
    from workbench.analysis.compare.joint_vote import vote as voted
    from workbench.analysis.terminal import print_table
    from workbench.core.console import stdout
    from workbench.saved_run import Run

    opened = [Run(run) for run in runs]
    table = voted(opened, k or (), pool or ())
    print_table(stdout(), "vote", table.frame, "\n".join(table.notes))
    folder = out or comparison_folder(opened)
    save_tables({"vote": table}, folder, " · ".join(run.signature for run in opened))
    print(f"table    {folder / 'vote.csv'}  (and vote.md)")
