"""Tests of the benchmark's pure parts: what it reads from dnsperf and /proc, and what it makes of it."""
