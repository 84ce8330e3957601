"""What an experiment file may say, and how it is read from YAML and written back.

Types and checks only: no name of a task, backend, metric or reward is looked up here (that is
``workbench.experiment``). Imports ``core`` alone. Start reading in ``schema.py``, where every
setting is a line; ``faults.py`` has the words of the error messages.
"""
