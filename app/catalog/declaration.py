"""The manifest as checks see it."""

from __future__ import annotations

from app.catalog.manifest import FeaturePart, Manifest
from checks.evidence import Declaration, Feature, Floor, OrganisationPolicy, Slice


def declaration_of(
    manifest: Manifest, model_class: str | None, policy: OrganisationPolicy | None = None
) -> Declaration:
    """What checks may know of a version, and what the organisation's policy adds to what is personal or sensitive.

    ``model_class`` is the final estimator's class, if known.
    """
    columns, quality, version = manifest.columns, manifest.quality, manifest.version
    person = [columns.person] if columns.person else []
    personal = dict.fromkeys([*columns.personal, *person, *(policy.personal if policy else ())])
    return Declaration(
        model=manifest.model.name,
        version=version.name,
        task=manifest.model.task,
        label=columns.label,
        features=tuple(_feature(part) for part in manifest.features),
        metric=quality.metric,
        schema_declared=any(_expects_something(part) for part in manifest.features),
        floor=None if quality.floor is None else Floor(quality.metric, quality.floor),
        positive=columns.positive,
        id_column=columns.id,
        time_column=columns.time,
        prediction_column=columns.prediction,
        probability_column=columns.probability,
        sensitive=tuple(manifest.sensitive),
        slices=tuple(Slice(part.name, part.where) for part in manifest.slices),
        banned=tuple(manifest.banned),
        commit=version.commit,
        model_class=model_class,
        personal=tuple(personal),
        tunables=version.tunables,
        pipeline=version.pipeline.name if version.pipeline else None,
        stages=tuple(version.pipeline.stages) if version.pipeline else (),
        cadence_days=version.pipeline.cadence_days if version.pipeline else None,
        protected_branch=manifest.code.protected_branch,
        feature_paths=tuple(manifest.code.feature_paths),
        person_column=columns.person,
        withheld=policy.sensitive if policy else (),
    )


def _feature(part: FeaturePart) -> Feature:
    categories = None if part.categories is None else tuple(str(value) for value in part.categories)
    return Feature(
        part.name,
        part.type,
        part.min,
        part.max,
        categories,
        part.nullable,
        source=part.source,
        cost=part.cost,
        upstream=tuple(part.upstream),
    )


def _expects_something(part: FeaturePart) -> bool:
    """More than a type was declared."""
    return any(value is not None for value in (part.min, part.max, part.categories, part.nullable))
