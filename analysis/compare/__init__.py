"""Several runs, or several conditions of one, held against one another problem by problem.

Imports the tables and the statistics. Start reading in ``runs.py``.
"""
