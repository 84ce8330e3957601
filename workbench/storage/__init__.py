"""A run's folder on disk: where files lie, how they are written whole, who may write now.

Imports ``config`` and ``core``. Start reading in ``run_folder.py``, which draws the folder;
``parquet.py`` is the only file that reads and writes the tables, ``journal.py`` keeps the finished
samples of an unfinished block.
"""
