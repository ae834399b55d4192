"""A query to an upstream on the wire, and what may count as its reply. Pure: bytes in, values out."""

from resolver.wire import HEADER, MalformedMessage, Rcode, skip_name

MAX_MESSAGE = 65_535
_PADDING_BLOCK = 128
"""RFC 8467 section 4.1: what a client pads its queries to."""
_PADDING = 12
"""EDNS option code (RFC 7830)."""
_OPT_FIXED = 11
"""Octets of an OPT record before its options: root name, type, class, TTL, length."""
_MAY_OMIT_QUESTION = frozenset({Rcode.FORMERR, Rcode.SERVFAIL, Rcode.NOTIMP, Rcode.REFUSED})


def question_of(query: bytes) -> bytes:
    """Return the question section of a query that holds exactly one question. Raises MalformedMessage."""
    if query[4:6] != b"\x00\x01":
        raise MalformedMessage("expected a query with one question")
    try:
        end = skip_name(query, HEADER) + 4
    except IndexError:
        raise MalformedMessage("a question that ends early") from None
    if end > len(query):
        raise MalformedMessage("a question that ends early")
    return query[HEADER:end]


def is_reply(question: bytes, message: bytes) -> bool:
    """Tell whether a message replies to this question; its id is for the transport to check.

    The question must come back octet for octet, letter case too (RFC 5452 section 9.1). Some servers leave it out of an
    error: that is a reply if it carries nothing else either, so that nothing can be smuggled in that way.
    """
    if len(message) < HEADER or message[2] & 0xF8 != 0x80:  # QR and the opcode QUERY
        return False
    if message[4:6] == b"\x00\x01":
        return message.startswith(question, HEADER)
    return message[4:10] == bytes(6) and message[3] & 0x0F in _MAY_OMIT_QUESTION


def restored(query: bytes, question: bytes, message: bytes) -> bytes:
    """Return a reply with the query's own id, and with the question where an error left it out."""
    if message[4:6] == b"\x00\x00":
        return query[:2] + message[2:4] + b"\x00\x01" + bytes(6) + question
    return query[:2] + message[2:]


def padded(query: bytes, question: bytes) -> bytes:
    """Return the query padded to a multiple of 128 octets if its one additional record is an OPT (RFC 8467).

    Only for encrypted transports: there the length would tell the name. A query without EDNS cannot be padded.
    """
    opt = HEADER + len(question)
    start = opt + _OPT_FIXED
    if query[6:12] != b"\x00\x00\x00\x00\x00\x01" or query[opt : opt + 3] != b"\x00\x00\x29":
        return query
    options = len(query) - start
    if options < 0 or int.from_bytes(query[start - 2 : start]) != options:
        return query
    missing = -(len(query) + 4) % _PADDING_BLOCK
    option = _PADDING.to_bytes(2) + missing.to_bytes(2) + bytes(missing)
    return query[: start - 2] + (options + len(option)).to_bytes(2) + query[start:] + option
