"""The director's approval: requests checked, orders drawn up, signed and kept; the same functions for command line and
console."""
