"""The nouns that every other room uses, and helpers without a subject of their own.

Imports nothing of the project. Start reading in ``types.py``, which defines problem, request and
sample, and the letters N, K, S and D that stand for sizes everywhere.
"""
