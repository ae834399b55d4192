"""Evidence: follows the query log, folds it into incidents, archives it, and proves that none of it was changed."""
