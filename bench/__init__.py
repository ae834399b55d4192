"""Benchmarks that anyone can run, peers side by side."""
