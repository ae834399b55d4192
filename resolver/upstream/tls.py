"""TLS for upstreams: the certificate and its name are always verified, and nothing falls back to plain text."""

import ssl

from translations import _


class UnreadableAuthorities(ValueError):  # noqa: N818 - reads as what it is
    """The file of additional certificate authorities cannot be used; the message says why."""


class _Context(ssl.SSLContext):
    """Resumes the session of the connection before: fewer octets and no signature check on each reconnection.

    asyncio lets nobody pass a session, but it asks the context for the TLS object: so the context remembers the last
    one. It belongs to one upstream, therefore a session never meets another server.
    """

    _last: ssl.SSLObject | None = None

    def wrap_bio(
        self,
        incoming: ssl.MemoryBIO,
        outgoing: ssl.MemoryBIO,
        server_side: bool = False,
        server_hostname: str | bytes | None = None,
        session: ssl.SSLSession | None = None,
    ) -> ssl.SSLObject:
        if session is None and self._last is not None and self._last.version() is not None:
            session = self._last.session  # of a handshake that never ended there is none, and asking raises
        self._last = super().wrap_bio(incoming, outgoing, server_side, server_hostname, session)
        return self._last


def tls_context(ca_file: str = "") -> ssl.SSLContext:
    """Return the context for one DNS over TLS upstream.

    `ca_file` names a PEM file of authorities trusted beside the system's. Raises UnreadableAuthorities.
    """
    return _context("dot", ca_file)


def https_context(ca_file: str = "") -> ssl.SSLContext:
    """Return the context for one DNS over HTTPS upstream; see tls_context."""
    return _context("h2", ca_file)


def _context(alpn: str, ca_file: str) -> ssl.SSLContext:
    context = _Context(ssl.PROTOCOL_TLS_CLIENT)  # verifies the certificate and the name
    context.minimum_version = ssl.TLSVersion.TLSv1_2  # RFC 8310 section 8, RFC 9325
    context.hostname_checks_common_name = False  # only the alternative names count (RFC 9525 section 2)
    context.set_alpn_protocols([alpn])
    context.load_default_certs(ssl.Purpose.SERVER_AUTH)
    if ca_file:
        try:
            context.load_verify_locations(cafile=ca_file)
        except OSError as error:
            raise UnreadableAuthorities(
                _("{file}: expected certificates in PEM format: {error}").format(file=ca_file, error=error)
            ) from None
    return context
