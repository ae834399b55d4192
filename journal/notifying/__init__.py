"""Who is told of incidents, when, in what words and by which way."""
