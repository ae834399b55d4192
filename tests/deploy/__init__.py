"""Tests of what is installed and of what the documentation says."""
