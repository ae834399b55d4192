"""Answer DNS queries: wire format, cache, engine, upstreams, listeners, query log and workers."""
