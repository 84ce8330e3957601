"""``workbench train-reward``: a reward model trained on the graded samples of finished runs.

Imports everything of ``workbench`` but the command line. Start reading in ``train.py``.
"""
