"""Who may look up what, when and why: names, groups, levels, categories and `decide`, all pure."""
