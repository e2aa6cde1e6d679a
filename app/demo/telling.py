"""How the demo speaks."""

from __future__ import annotations

from app.cli.output import console, styled


def say(text: str) -> None:
    """A heading."""
    console().print()
    console().print(styled("■"), text, style="bold")
