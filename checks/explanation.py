"""A check's docstring as its page shows it: six parts under a label each, of paragraphs and lists."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from checks.contract import Check

LABELS = ("Asked", "Measured", "Formula", "Source", "Evidence", "Fix")
"""Every check explains itself under these, in this order."""


@dataclass(frozen=True)
class Block:
    """A paragraph, or the items of a list. ``label`` is set on the first of its part."""

    label: str = ""
    text: str = ""
    items: Sequence[str] = ()


def title_of(check: type[Check]) -> str:
    return (check.__doc__ or "").strip().split("\n")[0].rstrip(".")


def explanation_of(check: type[Check]) -> list[Block]:
    """What follows the title, each paragraph on one line.

    Raises:
        ValueError: the labels are not the six.
    """
    blocks = [_block(text) for text in (inspect.getdoc(check) or "").split("\n\n")[1:]]
    labels = tuple(block.label for block in blocks if block.label)
    if labels != LABELS:
        raise ValueError(
            f"{check.__module__}: the docstring has the parts {', '.join(labels)}, not {', '.join(LABELS)}"
        )
    return blocks


def _block(text: str) -> Block:
    if text.startswith("- "):
        return Block(items=tuple(_items(text)))
    label, colon, rest = " ".join(text.split()).partition(": ")
    return (
        Block(label, rest[:1].upper() + rest[1:])
        if colon and label in LABELS
        else Block(text=" ".join(text.split()))
    )


def _items(text: str) -> Iterator[str]:
    for item in text.removeprefix("- ").split("\n- "):
        yield " ".join(item.split())
