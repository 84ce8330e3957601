"""A run while it goes on: looked at from its files, on the terminal and as a page.

May import the statistics and the page, and holds nothing of a run but counts. Start reading in
``looks.py``, whose ``Watched.look`` says how a run stands at this moment; ``screen.py`` and
``page.py`` show it.
"""
