"""Text from elsewhere, such as names of files, for the medium that it goes to."""

import re

# Lone surrogates, which stand for bytes that are not UTF-8; control characters, and what else ends
# a line or turns its direction. Not "\n" and "\t", of which messages are made.
_UNPRINTABLE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]"
)
# What makes a spreadsheet take a cell for a formula.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def printable(text: object) -> str:
    """Text for a terminal or a page: what does not show is written as an escape, `\\x0c`."""
    return _UNPRINTABLE.sub(
        lambda match: match[0].encode("unicode_escape", "surrogatepass").decode(), str(text)
    )


def csv_cell(text: str) -> str:
    """Text for a cell of CSV: a quote before what a spreadsheet would run."""
    return f"'{text}" if text.startswith(_FORMULA) else text


def first_line(error: Exception) -> str:
    """What an error says, at most 300 characters of its first line."""
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return f"{lines[0]:.300}"
