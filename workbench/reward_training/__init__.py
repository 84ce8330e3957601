"""``workbench train-reward``: train a reward model on the graded samples of finished runs.

May import all of ``workbench`` except the command line and the other rooms on its floor. Start
reading in ``train.py``.
"""
