"""What acts, reports and other papers say: gathered here, drawn by papers/."""
