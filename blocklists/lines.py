"""Lines of a text of any size, encoding and quality, in bounded memory."""

from collections.abc import Iterator
from itertools import chain
from typing import BinaryIO

MAX_LINE = 4096
"""Longest line that is read as a rule: hosts files with many names and a long comment stay well below."""

_BLOCK = 1 << 18
_BOM = b"\xef\xbb\xbf"


def text_lines(stream: BinaryIO) -> Iterator[str]:
    """Yield the lines without their ends (LF or CRLF; CR if the text has no others).

    Of an endless line a part longer than MAX_LINE is yielded.
    """
    return chain.from_iterable(text_blocks(stream))


def text_blocks(stream: BinaryIO) -> Iterator[list[str]]:
    """Yield the same lines by the block: to decode five million of them one by one costs seconds."""
    rest = b""
    first = True
    old = False
    while block := stream.read(_BLOCK):
        if first:
            first = False
            block = block.removeprefix(_BOM)
            old = b"\n" not in block and b"\r" in block[:-1]
        if old:
            block = block.replace(b"\r", b"\n")
        data = rest + block
        cut = data.rfind(b"\n")
        if cut < 0:
            # Past MAX_LINE nothing of it counts any more: keep just enough for the parser to see that it is too long.
            rest = data if len(data) <= MAX_LINE else data[: 4 * MAX_LINE + 4]
            continue
        yield _split(data[:cut])
        rest = data[cut + 1 :]
    if rest:
        yield _split(rest)


def _split(data: bytes) -> list[str]:
    text = data.decode("utf-8", "replace")
    if "\r" in text:
        text = text.replace("\r\n", "\n").removesuffix("\r")
    return text.split("\n")
