"""How programs behave: what they are called with, and which of them give the same outputs.

A program's answer is what it does, so that votes, entropies and minimum Bayes risk work on programs
as on numbers. Nothing here runs a program: ``calls.py`` finds the arguments that the programs of a
problem are called with, ``mutation.py`` makes more of them, the sandbox answers, and
``outputs.py`` and ``clusters.py`` say which answers are the same. Start reading in ``clusters.py``.
Imports ``core`` alone.
"""
