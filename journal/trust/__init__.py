"""The proof: heads of the chain, signatures over them, and the search for the first broken link."""
