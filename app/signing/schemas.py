"""What goes out about keys."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, Field


class KeyOut(BaseModel):
    """A key that signs, or signed, decisions and checkpoints. What it signed stays good when it is retired."""

    id: Annotated[str, Field(description="SHA-256 of the public key as DER; `keyid` in what it signed.")]
    public: Annotated[str, Field(description="PEM.")]
    created_at: datetime
    retired_at: datetime | None
