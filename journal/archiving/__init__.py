"""The query log of days that are over: archived, searched, counted, and removed when its time is over."""
