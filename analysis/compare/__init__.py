"""Comparisons, problem by problem, of several runs or of several conditions of one run.

May import the tables and the statistics, and nothing that draws or makes pages. Start reading in
``runs.py``, whose ``compare`` makes the tables; ``conditions.py`` says what can be compared.
"""
