"""Disciplines: one small function each, plain Python for the reference engine and part of the compiled kernel alike."""
