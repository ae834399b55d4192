"""One test or a few for each row of the checklist of required behaviours, judged from outside."""
