"""Tests: tables over pure functions, properties, fakes that speak real DNS, and the real process end to end."""
