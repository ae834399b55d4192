"""Upstream resolvers: their addresses, and how they are asked over UDP, TCP, TLS and HTTPS."""
