"""The command `schoolfilter`: each command parses, calls one function and prints."""
