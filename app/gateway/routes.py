"""The Open Inference Protocol: ``/v2`` for the environment of the settings, any other under its own base URL."""

from __future__ import annotations

from importlib.metadata import version as installed_version
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Request
from sqlmodel import select

from app.deps import PUBLIC, CanPredict, Db
from app.gateway.schemas import (
    InferIn,
    InferOut,
    Live,
    ModelMetadata,
    ModelReady,
    Ready,
    ServerMetadata,
    TensorMetadata,
)
from app.gateway.served import Served
from app.gateway.service import Gateway
from app.http.problems import problems
from app.serving.tensors import datatype_of, preferred

Name = Annotated[str, Path(max_length=100)]


def gateway_of(request: Request) -> Gateway:
    gateway: Gateway = request.app.state.gateway
    return gateway


Serving = Annotated[Gateway, Depends(gateway_of)]


def _environment(request: Request) -> str:
    """The one that the base URL names, else that of the settings."""
    named: str = request.path_params.get("environment", request.app.state.settings.serving_environment)
    return named


Environment = Annotated[str, Depends(_environment)]


def _named(environment: Annotated[str, Path(max_length=100)]) -> None:
    """Describes the part of the path that ``_environment`` reads."""


def server(_: CanPredict) -> ServerMetadata:
    return ServerMetadata(version=installed_version("assay"))


def live() -> Live:
    return Live()


def ready(db: Db) -> Ready:
    with db.read() as session:
        session.exec(select(1)).one()
    return Ready()


def metadata(gateway: Serving, db: Db, environment: Environment, model: Name, _: CanPredict) -> ModelMetadata:
    return _metadata(gateway, gateway.find(db, model, environment))


def version_metadata(
    gateway: Serving, db: Db, environment: Environment, model: Name, version: Name, _: CanPredict
) -> ModelMetadata:
    return _metadata(gateway, gateway.find(db, model, environment, version))


def model_ready(gateway: Serving, db: Db, environment: Environment, model: Name, _: CanPredict) -> ModelReady:
    return _ready(gateway, gateway.find(db, model, environment))


def version_ready(
    gateway: Serving, db: Db, environment: Environment, model: Name, version: Name, _: CanPredict
) -> ModelReady:
    return _ready(gateway, gateway.find(db, model, environment, version))


def infer(
    gateway: Serving, db: Db, environment: Environment, model: Name, request: InferIn, _: CanPredict
) -> InferOut:
    """The stable version answers, without one the canary. Inputs are held to the signature (422 names row and
    column); values out of range are answered, and seen by the monitoring tests. The answer is logged before it is
    given (else 503). `id` comes back, or one is made; rows of a larger request are logged as `parameters.ids`, else
    `id-0`, `id-1`. Under an id that was used before, the answer is given and the log keeps the first.
    """
    return gateway.infer(gateway.find(db, model, environment), request)


def version_infer(
    gateway: Serving, db: Db, environment: Environment, model: Name, version: Name, request: InferIn, _: CanPredict
) -> InferOut:
    """As above, answered by this version in whatever role it serves."""
    return gateway.infer(gateway.find(db, model, environment, version), request)


def _ready(gateway: Gateway, served: Served) -> ModelReady:
    gateway.runner(served).classes()
    return ModelReady(name=served.model, version=served.version.name)


def _metadata(gateway: Gateway, served: Served) -> ModelMetadata:
    classes = gateway.runner(served).classes()
    named = {"classes": classes}
    outputs = [TensorMetadata(name="predict", datatype=datatype_of(classes) if classes else "FP64", shape=[-1])]
    if classes:
        width = [-1, len(classes)]
        outputs.append(TensorMetadata(name="predict_proba", datatype="FP64", shape=width, parameters=named))
    return ModelMetadata(
        name=served.model,
        versions=[served.version.name],
        platform={"onnx": "onnx_onnxv1"}.get(served.version.artifact_format or "", "sklearn_skops"),
        inputs=[
            TensorMetadata(name=feature.name, datatype=preferred(feature.type), shape=[-1])
            for feature in served.manifest.features
        ],
        outputs=outputs,
    )


def _router(prefix: str, **options: object) -> APIRouter:
    """The protocol's routes, made anew for each base URL so that metrics tell them apart."""
    made = APIRouter(prefix=prefix, tags=["gateway"], **options)  # type: ignore[arg-type]
    one, other = "/models/{model}", "/models/{model}/versions/{version}"
    usual = problems(404, 409, 422, 503)
    made.get("", summary="The server")(server)
    made.get("/health/live", summary="Whether it answers at all", dependencies=[PUBLIC])(live)
    made.get("/health/ready", summary="Whether it can predict", dependencies=[PUBLIC], responses=problems(503))(
        ready
    )
    made.get(one, summary="A model's inputs and outputs", responses=usual)(metadata)
    made.get(other, summary="A version's inputs and outputs", responses=usual)(version_metadata)
    made.get(f"{one}/ready", summary="Whether a model can predict", responses=usual)(model_ready)
    made.get(f"{other}/ready", summary="Whether a version can predict", responses=usual)(version_ready)
    made.post(f"{one}/infer", summary="Predict", responses=usual)(infer)
    made.post(f"{other}/infer", summary="Predict with one version", responses=usual)(version_infer)
    return made


routers = (_router("/v2"), _router("/environments/{environment}/v2", dependencies=[Depends(_named)]))
