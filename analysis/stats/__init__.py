"""Statistics whose unit is the problem: intervals, paired tests, ranks and calibration.

Arrays in, numbers out; nothing here knows a run. Start reading in ``bootstrap.py``.
"""
