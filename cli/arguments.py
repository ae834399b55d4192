"""Kinds of arguments that several commands take."""

import ipaddress

import click

from cli.typed import names_of
from policy.networks import IPNetwork
from translations import _


class _Name(click.ParamType[str]):
    """A domain name as people write it."""

    name = "name"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Return the canonical name. Raises Misuse, with a guess where the text is nearly a name."""
        del param, ctx
        return names_of([str(value)])[0]


class _Address(click.ParamType[str]):
    """The address of one client."""

    name = "address"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Return the address in its usual form."""
        try:
            return str(ipaddress.ip_address(str(value).strip()))
        except ValueError:
            self.fail(_("expected an address such as 192.0.2.7, found {value}").format(value=repr(value)), param, ctx)


class _Network(click.ParamType[IPNetwork]):
    """An address, or a network such as 192.0.2.0/24."""

    name = "network"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> IPNetwork:
        """Return the network; an address is a network of one."""
        try:
            return ipaddress.ip_network(str(value).strip(), strict=False)
        except ValueError:
            expected = _("expected an address such as 192.0.2.7 or a network such as 192.0.2.0/24, found {value}")
            self.fail(expected.format(value=repr(value)), param, ctx)


NAME = _Name()
ADDRESS = _Address()
NETWORK = _Network()
