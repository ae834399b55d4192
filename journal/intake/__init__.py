"""The way in: follows the segments of the query log and takes each line exactly once."""
