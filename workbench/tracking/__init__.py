"""Weights & Biases, or trackio: the tracked run, its artifacts and its dashboard.

The only room that imports a tracker, and only once something is tracked. Imports ``config``,
``core`` and ``storage``. Start reading in ``wandb_run.py``.
"""
