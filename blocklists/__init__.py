"""Lists of names: where they come from, their formats, and the index that answers what they say of a name."""
