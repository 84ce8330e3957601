"""Reads numbers and says what was found: selection, intervals, correlations, tables and figures."""
