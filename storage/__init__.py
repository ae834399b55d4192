"""All SQL: policy.db, its migrations, and the functions that read and change it."""
