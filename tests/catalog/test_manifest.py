"""assay.yaml: what is accepted, and that every error names file, line and the nearest valid key."""

from __future__ import annotations

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from app.catalog import yamlfile
from app.catalog.declaration import declaration_of
from app.catalog.manifest import parse
from app.errors import Invalid
from checks.evidence import Task
from tests.catalog.manifests import manifest


def text(**changes) -> str:
    return yaml.safe_dump(manifest(**changes), sort_keys=False)


def refusal(source: str) -> Invalid:
    with pytest.raises(Invalid) as caught:
        parse(source)
    return caught.value


def test_a_complete_manifest_is_accepted():
    parsed = parse(text())
    assert parsed.model.task is Task.BINARY
    assert parsed.uploads == {"artifact": "model.skops", "train": "train.parquet", "test": "test.parquet"}


@pytest.mark.parametrize(
    ("wrong", "line", "words"),
    [
        ("model:\n  nmae: x", 2, 'model.nmae: unknown key (did you mean "name"?)'),
        ("model:\n  risk_tier: hihg", 2, 'did you mean "high"?'),
        ("features:\n- name: a\n  type: nubmer", 3, "features.0.type: 'nubmer' is not one of"),
        ("features:\n- name: a\n  type: number\n  mix: 3", 4, 'did you mean "min"?'),
        ("features:\n- name: a\n  type: number\n  min: 5\n  max: 1", 2, "min 5 is above max 1"),
        ("features:\n- name: a\n  type: number\n  max: .nan", 4, "finite"),
        ("version:\n  name: a b", 2, "version.name"),
        (
            "version:\n  {name: a, change_reason: initial, artifact: m.onnx, predictions_only: true}",
            1,
            "either artifact: FILE or predictions_only",
        ),
        ("data:\n  train: {path: a, ref: b}", 2, "either path (uploaded) or ref"),
        ("version:\n  commit: HEAD", 2, "version.commit"),
    ],
)
def test_an_error_names_line_path_and_what_was_meant(wrong, line, words):
    listed = refusal(wrong).detail.splitlines()
    assert any(entry.startswith(f"assay.yaml:{line}: ") and words in entry for entry in listed), listed


@pytest.mark.parametrize(
    ("changes", "path", "words"),
    [
        ({"quality__metric": "roc_acu"}, "quality.metric", 'did you mean "roc_auc"?'),
        ({"quality__metric": "mae"}, "quality.metric", "for a binary task"),
        ({"columns__positive": None}, "columns.positive", "required for a binary task"),
        (
            {"version__artifact": None, "version__predictions_only": True},
            "columns.prediction",
            "required for predictions_only",
        ),
        ({"columns__label": "mean radius"}, "features.0.name", "not a feature"),
    ],
)
def test_what_contradicts_itself_is_refused(changes, path, words):
    errors = refusal(text(**changes)).errors
    assert [(e.path, words in e.message, e.line is not None) for e in errors] == [(path, True, True)]


def test_all_errors_are_listed_at_once():
    errors = refusal(text(model__owner=None, model__users=None, quality__metric="x", model__task="binry")).errors
    assert {e.path for e in errors} >= {"model.owner", "model.users", "model.task"}


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("a: 1\na: 2", "given twice"),
        ("a: &x [1]\nb: *x", "aliases"),
        ("[" * 200, "nested deeper"),
        ("a: 2026-02-31", "out of range"),
        ("- a list", "mapping"),
        ("a: [1", "assay.yaml:1"),
        ("a: !!python/object/apply:os.system [id]", "tag"),
        ("a: !!python/name:os.system x", "constructor"),
        ("? [1, 2]\n: x", "plain value"),
        ("x: " + "y" * 1_000_001, "longer than"),
    ],
)
def test_dangerous_or_broken_yaml_is_refused(source, words):
    assert words in refusal(source).detail


def test_overrides_replace_keys_of_the_version():
    parsed = parse(text(), overrides={"name": "2.0.0", "change_reason": "new_data"})
    assert (parsed.version.name, parsed.version.change_reason) == ("2.0.0", "new_data")
    assert parsed.version.artifact == "model.skops"


@given(st.text(max_size=300))
def test_any_text_is_parsed_or_refused(source):
    try:
        lines = yamlfile.load(source, "assay.yaml")[1]
    except Invalid:
        return
    assert all(1 <= line <= source.count("\n") + 1 for path, line in lines.items() if path)


def test_evidence_is_not_part_of_what_identifies_a_version():
    plain, with_evidence = parse(text()), parse(text(evidence=[{"kind": "junit", "path": "junit.xml"}]))
    assert plain.content == with_evidence.content
    assert parse(text(version__name="1.0.1")).content != plain.content


@pytest.mark.parametrize(
    ("expectation", "declared"), [({"min": 0}, True), ({"categories": [1, 2]}, True), ({}, False)]
)
def test_a_schema_is_declared_when_more_than_types_are(expectation, declared):
    features = [{"name": "a", "type": "category" if "categories" in expectation else "number", **expectation}]
    assert declaration_of(parse(text(features=features)), None).schema_declared is declared


def test_checks_see_what_the_owner_declares():
    declared = declaration_of(
        parse(
            text(
                banned=["age"], sensitive=["sex"], slices=[{"name": "large", "where": {"mean radius": {"min": 20}}}]
            )
        ),
        "Ridge",
    )
    assert (declared.banned, declared.sensitive, declared.model_class) == (("age",), ("sex",), "Ridge")
    assert declared.slices[0].where == {"mean radius": {"min": 20}}
    assert (declared.floor.metric, declared.floor.value, declared.positive) == ("roc_auc", 0.9, 1)
