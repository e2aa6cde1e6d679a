"""A tensor of the Open Inference Protocol, in and out."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, Field


class TensorIn(BaseModel):
    """``data`` in row-major order, flat or nested; null where a nullable feature has no value."""

    name: str = Field(max_length=200)
    shape: list[Annotated[int, Field(ge=0)]] = Field(max_length=8)
    datatype: str = Field(max_length=20)
    data: list[Any]


class TensorOut(BaseModel):
    name: str
    shape: list[int]
    datatype: str
    data: list[Any]
    parameters: dict[str, Any] = {}
