"""Weights & Biases: the tracked run, its artifacts and its dashboard.

The only room that imports wandb, and only once something is tracked. Imports ``config`` and
``core``. Start reading in ``wandb_run.py``.
"""
