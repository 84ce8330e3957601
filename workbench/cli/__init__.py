"""The front door: every command of ``workbench``, and how one ends.

This room may import everything, the analysis included, and nothing imports it. Start reading in
``app.py``, which lists the commands; ``run_stages.py`` carries the four stages out.
"""
