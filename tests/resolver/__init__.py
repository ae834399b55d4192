"""The resolver's own parts: tables and properties, the clock wound by hand, no process started."""
