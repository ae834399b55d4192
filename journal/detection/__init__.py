"""What becomes an incident: the rules, and what is kept in mind of each client. Pure."""
