"""Tests of the lists: formats, compiler, index, sources, fetching."""
