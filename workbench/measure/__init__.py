"""Stage 3: which random subsets of a pool are looked at, and their metrics.

Nothing here knows what is picked from a subset: that is the analysis. Imports the metrics, the
pools and what lies below them. Start reading in ``stage.py``.
"""
