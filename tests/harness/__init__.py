"""Real processes for black-box tests: a server of ours, an upstream that lies on request, raw clients."""
