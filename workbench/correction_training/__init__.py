"""``workbench train-correction``: teach a model to correct its own answers, by SCoRe's two stages.

A model answers, is asked to correct itself, and answers again; both answers are graded as the
project grades all others. The formulas are in ``advantages.py`` and ``losses.py``. May import all
of ``workbench`` except the command line and the other rooms on its floor. Start reading in
``train.py``; ``training_loop.py`` is the loop.

Source: Kumar et al. (2024), "Training Language Models to Self-Correct via Reinforcement Learning",
arXiv:2409.12917.
"""
