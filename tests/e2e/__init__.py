"""The whole product as real processes, under load and under attack."""
