"""What happens when journal.db is damaged, emptied or gone."""
