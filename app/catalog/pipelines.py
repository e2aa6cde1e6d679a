"""Pipelines as their owners declare them: ``pipeline.yaml``, explained in docs/ledger.md."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, ValidationError, model_validator
from sqlmodel import Session

from app import validation
from app.access import audit_log
from app.access.identity import Identity
from app.access.teams import team_for
from app.catalog import queries, yamlfile
from app.catalog.manifest import Name, Part, Text
from app.catalog.names import require_free
from app.cron import trigger
from app.errors import FieldError, Invalid
from app.tables import Pipeline

StageRole = Literal[
    "extraction", "validation", "preparation", "training", "evaluation", "model_validation", "other"
]
"""The steps of a training pipeline; ``validation`` is of data."""
ComponentKind = Literal[
    "source_control",
    "test_and_build",
    "deployment_services",
    "model_registry",
    "feature_store",
    "metadata_store",
    "orchestrator",
]
TriggerKind = Literal["manual", "schedule", "new_data", "degradation", "distribution_change", "on_demand"]


class StagePart(Part):
    """``output``: what it leaves behind, in the owner's words."""

    name: Text
    role: StageRole = "other"
    output: Text | None = None


class ComponentPart(Part):
    """A tool that the pipeline relies on. ``url`` is asked by ``assay ledger probe`` whether it answers."""

    kind: ComponentKind
    name: Text
    url: Text | None = None


class ExperimentPart(Part):
    """The one metric by which experiments are compared."""

    metric: Text
    direction: Literal["maximize", "minimize"] = "maximize"


class PipelineForm(Part):
    """A pipeline. ``repository``: as the forge names it (owner/name); ``cadence_days``: how often it should run."""

    name: Name
    owner: Text
    models: list[Name] = []
    repository: Text | None = None
    stages: list[StagePart] = []
    components: list[ComponentPart] = []
    triggers: list[TriggerKind] = []
    schedule: Annotated[str, Field(max_length=100)] | None = None
    cadence_days: Annotated[float, Field(gt=0, le=3650)] | None = None
    experiment: ExperimentPart | None = None

    @model_validator(mode="after")
    def _each_once(self) -> Self:
        names = [stage.name for stage in self.stages]
        if twice := next((name for name in names if names.count(name) > 1), None):
            raise ValueError(f"the stage {twice!r} is there twice")
        return self


class PipelineFile(PipelineForm):
    """The file: ``assay_pipeline: 1`` says what it is."""

    assay_pipeline: Literal[1]


def parse(text: str, filename: str = "pipeline.yaml") -> PipelineForm:
    """Read ``pipeline.yaml``.

    Raises:
        Invalid: with file, line, path and the nearest valid key of everything that is wrong.
    """
    data, lines = yamlfile.load(text, filename)
    try:
        file = PipelineFile.model_validate(data)
    except ValidationError as error:
        raise yamlfile.refuse(filename, validation.explain(error, PipelineFile, lines)) from None
    return PipelineForm.model_validate(file.model_dump(exclude={"assay_pipeline"}))


def register(session: Session, form: PipelineForm, identity: Identity) -> tuple[Pipeline, bool]:
    """Declare a pipeline; the same again changes nothing, another declaration replaces the one before.

    Returns:
        The pipeline, and whether anything changed.

    Raises:
        Invalid: its schedule is no cron expression.
    """
    if form.schedule is not None:
        try:
            trigger(form.schedule)
        except Invalid as error:
            raise Invalid(error.detail, [FieldError("schedule", error.detail)]) from None
    row = queries.pipeline_named(session, form.name) or _new(session, form, identity)
    declared = form.model_dump(mode="json", exclude={"name"})
    if row.declaration == declared:
        return row, False
    before, row.declaration = row.declaration, declared
    row.owner, row.repository = form.owner, form.repository
    session.add(row)
    session.flush()
    audit_log.record(
        session, identity.name, "pipeline.register", f"pipeline/{form.name}", before=before, after=declared
    )
    return row, True


def _new(session: Session, form: PipelineForm, identity: Identity) -> Pipeline:
    require_free(session, Pipeline, form.name, "name")
    team_id = team_for(session, form.owner, identity.reach)
    return Pipeline(name=form.name, created_by=identity.name, team_id=team_id)


def form_of(row: Pipeline) -> PipelineForm | None:
    """What its owner declared, None where only manifests name it."""
    return PipelineForm.model_validate({**row.declaration, "name": row.name}) if row.declaration else None
