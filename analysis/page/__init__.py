"""A run, or several side by side, as one HTML page that opens from the disk.

May import everything else of ``analysis`` but the stage in ``report.py``; only the command line
imports this package. Start reading in ``report.py``, the page of one run; ``html.py`` says what a
page is made of.
"""
