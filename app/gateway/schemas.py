"""The Open Inference Protocol's bodies, as far as they are served. Unknown keys are left alone, as it asks."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, Field, StringConstraints

from app.serving.schemas import TensorIn, TensorOut

PredictionId = Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=r"^[^\s\x00-\x1f\x7f]+$")]
EXAMPLE: dict[str, Any] = {
    "id": "loan-4711",
    "inputs": [
        {"name": "income", "shape": [1], "datatype": "FP64", "data": [41000.0]},
        {"name": "region", "shape": [1], "datatype": "BYTES", "data": ["north"]},
    ],
}


class InferParameters(BaseModel):
    """``ids``: one id a row, for several rows. ``persons``: whom each row is about, where the manifest declares
    ``columns.person``; kept in the log, and not shown to the model.
    """

    ids: list[PredictionId] | None = None
    persons: list[PredictionId] | None = None


class InferIn(BaseModel):
    """One tensor a feature, (n) or (n, 1), or one (n, k) tensor of numbers with all features in their order."""

    model_config = {"json_schema_extra": {"examples": [EXAMPLE]}}

    id: PredictionId | None = None
    parameters: InferParameters = InferParameters()
    inputs: list[TensorIn] = Field(min_length=1, max_length=10_000)


class AnswerParameters(BaseModel):
    environment: str
    role: str
    ids: list[str] = Field(description="The id under which each row is logged; labels join on it.")


class InferOut(BaseModel):
    """``outputs``: ``predict`` (n), and ``predict_proba`` (n, classes) where the model has probabilities."""

    model_name: str
    model_version: str
    id: str
    parameters: AnswerParameters
    outputs: list[TensorOut]


class TensorMetadata(BaseModel):
    """-1: any number of rows."""

    name: str
    datatype: str
    shape: list[int]
    parameters: dict[str, Any] = {}


class ModelMetadata(BaseModel):
    name: str
    versions: list[str]
    platform: str
    inputs: list[TensorMetadata]
    outputs: list[TensorMetadata]


class ServerMetadata(BaseModel):
    name: str = "assay"
    version: str
    extensions: list[str] = []


class ModelReady(BaseModel):
    name: str
    version: str
    ready: bool = True


class Live(BaseModel):
    live: bool = True


class Ready(BaseModel):
    ready: bool = True
