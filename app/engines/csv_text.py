"""A CSV file as text: UTF-8 without NUL characters, in lines of sane length, every quotation mark closed."""

from __future__ import annotations

import codecs
from pathlib import Path

from app.errors import Invalid

CHUNK_BYTES = 1024 * 1024
OTHER_ENCODINGS = {codecs.BOM_UTF16_LE: "UTF-16", codecs.BOM_UTF16_BE: "UTF-16"}


def check_text(path: Path, longest_line: int) -> None:
    """Read the file once, in chunks.

    Args:
        longest_line: in bytes.

    Raises:
        Invalid: it is not UTF-8, holds a NUL character or an unclosed quotation mark, or a line is too long.
    """
    decoder = codecs.getincrementaldecoder("utf-8")()
    line, length, quotes = 1, 0, 0
    with path.open("rb") as file:
        while chunk := file.read(CHUNK_BYTES):
            if encoding := OTHER_ENCODINGS.get(chunk[:2]) if line == 1 and not length else None:
                raise Invalid(f"the text is {encoding}; save it as UTF-8")
            _check_chunk(chunk, decoder, line)
            quotes += chunk.count(b'"')
            ended = chunk.count(b"\n")
            length = len(chunk) - chunk.rfind(b"\n") - 1 if ended else length + len(chunk)
            line += ended
            if length > longest_line:
                raise Invalid(f"line {line}: is longer than {longest_line} bytes")
    try:
        decoder.decode(b"", final=True)
    except UnicodeDecodeError as error:
        raise Invalid(f"line {line}: the text ends inside a UTF-8 character") from error
    if quotes % 2:
        raise Invalid("the number of quotation marks is odd: one is never closed, or not doubled inside a value")


def _check_chunk(chunk: bytes, decoder: codecs.IncrementalDecoder, line: int) -> None:
    if (position := chunk.find(b"\0")) >= 0:
        line += chunk.count(b"\n", 0, position)
        raise Invalid(f"line {line}: holds a NUL character")
    try:
        decoder.decode(chunk)
    except UnicodeDecodeError as error:
        line += error.object.count(b"\n", 0, error.start)
        byte = error.object[error.start]
        raise Invalid(f"line {line}: is not UTF-8 (byte 0x{byte:02x}); save the file as UTF-8") from error
