"""A command with commands below it, which its help lists in the order in which people meet them."""

import click


class InOrder(click.Group):
    """Lists its commands as they were added; click would sort them by name."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names."""
        del ctx
        return list(self.commands)
