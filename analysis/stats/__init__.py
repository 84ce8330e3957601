"""Statistics whose unit is the problem: intervals, paired tests, ranks and calibration.

Arrays in, numbers out: nothing here knows a run, and only ``workbench.core`` is imported. Start
reading in ``bootstrap.py``, which every interval and test is built on.
"""
