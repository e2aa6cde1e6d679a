"""Evidence from real files: what is there is typed, what is not there is named."""

from __future__ import annotations

import hashlib
import json
import threading
from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest

from app.audits import providers
from app.audits.attempt import Accepted, Attempt, DataFile, EarlierSubject, File, HandedInFile, Subject
from app.audits.providers import Evidence
from app.audits.providing import Provided
from app.audits.providing.reports import DeepchecksAnswer
from app.audits.runner import needs, plain
from app.errors import Invalid
from checks import discover
from checks import evidence as kinds
from checks.contract import Check, Missing
from checks.evidence import Declaration, Predictor, Slice
from checks.serving import FullSuite, WeakSegments
from tests.catalog.manifests import manifest

if TYPE_CHECKING:
    from checks.evidence import EarlierVersions, OrganisationPolicy

FEATURES = ["mean radius", "mean texture"]


def examples(rows, seed):
    rng = np.random.default_rng(seed)
    label = rng.integers(0, 2, rows)
    return pd.DataFrame(
        {
            "mean radius": rng.normal(12 + 5 * label, 2),
            "mean texture": rng.normal(18 + 3 * label, 3),
            "malignant": label,
        }
    )


def put(path, content: bytes):
    path.write_bytes(content)
    return {"path": str(path), "digest": hashlib.sha256(content).hexdigest()}


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """Data sets, two models, one file that is none."""
    import skops.io
    from sklearn.linear_model import LogisticRegression
    from sklearn.tree import DecisionTreeClassifier

    folder = tmp_path_factory.mktemp("files")
    train = examples(300, 1)
    made = {
        "train": DataFile(**put(folder / "train", train.to_parquet()), format="parquet"),
        "test": DataFile(**put(folder / "test", examples(200, 2).to_csv(index=False).encode()), format="csv"),
        "broken": File(**put(folder / "broken", b"PK\x03\x04"), format="skops"),
    }
    for name, model in {"linear": LogisticRegression(), "tree": DecisionTreeClassifier(max_depth=2)}.items():
        content = skops.io.dumps(model.fit(train[FEATURES], train["malignant"]))
        made[name] = File(**put(folder / name, content), format="skops")
    return made


@pytest.fixture
def evidence(files):
    """``evidence(...)``: of a version with a linear model, or changed by keyword."""

    def make(artifact="linear", content=None, **fields):
        subject = Subject(manifest=content or manifest(), artifact=files[artifact] if artifact else None)
        datasets = {"train": files["train"], "test": files["test"]}
        return Evidence(Attempt(**{"checks": [], "subject": subject, "datasets": datasets} | fields))

    return make


def predictions_only(frame, tmp_path, **changes):
    content = manifest(
        version__artifact=None, version__predictions_only=True, columns__prediction="said", **changes
    )
    data = DataFile(**put(tmp_path / "said", frame.to_parquet()), format="parquet")
    return {"artifact": None, "content": content, "datasets": {"test": data}}


def test_the_declaration_is_always_there(evidence):
    declared = evidence(datasets={}, artifact=None).get(Declaration).value
    assert (declared.model, declared.feature_names, declared.positive) == ("tumour-malignancy", FEATURES, 1)


@pytest.mark.parametrize(
    ("kind", "role", "rows"), [(kinds.TrainingData, "train", 300), (kinds.Holdout, "test", 200)]
)
def test_data_sets_are_read_with_their_digest(evidence, files, kind, role, rows):
    provided = evidence().get(kind)
    assert type(provided.value) is kind
    assert len(provided.value.frame) == rows
    assert provided.value.digest == files[role].digest
    assert provided.inputs == {role: files[role].digest}


def test_evidence_is_made_once(evidence):
    some = evidence()
    assert some.get(kinds.Holdout).value is some.get(kinds.Holdout).value


def test_a_data_set_that_is_not_registered_is_named(evidence):
    with pytest.raises(Missing, match="registered as reference") as caught:
        evidence().get(kinds.ReferenceData)
    assert "data.reference" in caught.value.how


def in_place(tmp_path, content):
    kept = put(tmp_path / "train.parquet", content)
    return DataFile(**kept, format="parquet", location="root/train.parquet")


def test_a_data_set_in_place_is_read_while_it_is_what_was_registered(evidence, tmp_path):
    frame = examples(50, 3)
    file = in_place(tmp_path, frame.to_parquet())
    assert len(evidence(datasets={"train": file}).get(kinds.TrainingData).value.frame) == 50
    (tmp_path / "train.parquet").write_bytes(examples(50, 4).to_parquet())
    with pytest.raises(
        Missing, match=r"data set train as it was registered \(root/train.parquet: its digest differs\)"
    ):
        evidence(datasets={"train": file}).get(kinds.TrainingData)


def test_a_data_set_that_is_gone_is_missing(evidence):
    file = DataFile(path=None, format="csv", digest="d" * 64, location="root/train.csv", problem="there is no file")
    with pytest.raises(Missing, match=r"train, root/train\.csv: there is no file"):
        evidence(datasets={"train": file}).get(kinds.TrainingData)


def test_a_data_set_that_cannot_be_read_is_an_error_each_time(evidence, tmp_path):
    some = evidence(datasets={"train": DataFile(**put(tmp_path / "x", b"PAR1"), format="parquet")})
    with pytest.raises(Invalid) as first:
        some.get(kinds.TrainingData)
    with pytest.raises(Invalid) as second:
        some.get(kinds.TrainingData)
    assert first.value is second.value


def test_the_model_predicts_the_holdout(evidence, files):
    some = evidence()
    predicted, holdout = some.get(kinds.HoldoutPredictions), some.get(kinds.Holdout).value
    assert isinstance(predicted.value, kinds.HoldoutPredictions)
    assert np.mean(predicted.value.label == holdout.frame["malignant"]) > 0.8
    assert predicted.value.proba.shape == (200, 2)
    assert predicted.inputs == {"test": files["test"].digest, "artifact": files["linear"].digest}
    again = some.get(kinds.Predictor).value.predict(holdout.frame)
    assert np.array_equal(again.label, predicted.value.label)


def test_predictions_only_has_no_predictor(evidence, tmp_path):
    with pytest.raises(Missing, match="predictions only"):
        evidence(**predictions_only(examples(9, 1).assign(said=1), tmp_path)).get(kinds.Predictor)


def test_prediction_columns_are_predictions(evidence, tmp_path):
    frame = examples(20, 5).assign(said=lambda f: 1 - f["malignant"], p=0.25)
    given = predictions_only(frame, tmp_path, columns__probability="p")
    made = evidence(**given).get(kinds.HoldoutPredictions)
    assert np.array_equal(made.value.label, frame["said"])
    assert made.value.classes == (0, 1)
    assert np.allclose(made.value.positive_score(1), 0.25)
    assert np.allclose(made.value.proba.sum(axis=1), 1)
    assert set(made.inputs) == {"test"}


def test_without_a_probability_column_there_are_no_probabilities(evidence, tmp_path):
    given = predictions_only(examples(20, 5).assign(said=1), tmp_path)
    assert evidence(**given).get(kinds.HoldoutPredictions).value.proba is None


@pytest.mark.parametrize(("said", "told"), [(7, "2 other values"), ("absent", "predictions for the test data")])
def test_predictions_that_make_no_two_classes_are_missing(evidence, tmp_path, said, told):
    frame = examples(20, 5).assign(p=0.5)
    frame = frame if said == "absent" else frame.assign(said=said)
    with pytest.raises(Missing, match=told):
        evidence(**predictions_only(frame, tmp_path, columns__probability="p")).get(kinds.HoldoutPredictions)


def earlier(files, name, artifact, **fields):
    content = manifest(version__name=name)
    return EarlierSubject(manifest=content, artifact=files[artifact] if artifact else None, name=name, **fields)


def test_earlier_versions_are_scored_on_this_holdout(evidence, files):
    some = evidence(
        earlier=[
            earlier(files, "0.9", "tree"),
            earlier(files, "0.8", "broken"),
            earlier(files, "0.7", None),
            earlier(files, "0.1", "linear", incumbent=True, rescored=False),
        ]
    )
    made = some.get(kinds.EarlierVersions)
    assert [one.version for one in made.value.rescored] == ["0.9"]
    assert made.value.incumbent.version == "0.1"
    assert np.array_equal(made.value.incumbent.predictions.label, some.get(kinds.HoldoutPredictions).value.label)
    assert [reason.split(":")[0] for reason in made.value.skipped] == ["0.8", "0.7"]
    assert made.value.skipped[1] == "0.7: registered as predictions only"
    assert set(made.inputs) == {"test", "artifact of 0.9", "artifact of 0.1"}


def test_without_earlier_versions_there_are_none_and_nothing_is_read(evidence):
    assert evidence(datasets={}).get(kinds.EarlierVersions).value == kinds.EarlierVersions()


def test_without_a_holdout_nothing_can_be_scored(evidence, files):
    made = evidence(datasets={}, earlier=[earlier(files, "0.9", "tree")]).get(kinds.EarlierVersions).value
    assert made.rescored == ()
    assert made.skipped == ("0.9: a data set registered as test is missing",)


def test_acceptances_come_by_test_and_subject_under_a_digest_of_their_own(evidence):
    first, later = (
        Accepted(id=number, test_id="DATA-2", subject="noise", expires_at=datetime(2027, month, 1, tzinfo=UTC))
        for number, month in ((1, 5), (2, 3))
    )
    provided = evidence(acceptances=[first, later]).get(kinds.Acceptances)
    assert provided.value.of("DATA-2") == {"noise": "2027-05-01"}  # the one that lasts longer
    assert provided.value.of("DATA-3") == {}
    assert provided.inputs.keys() == {"acceptances"}
    assert evidence(acceptances=[first]).get(kinds.Acceptances).inputs != provided.inputs
    assert (evidence().get(kinds.Acceptances).value.until, evidence().get(kinds.Acceptances).inputs) == ({}, {})


def test_the_organisations_policy_comes_as_it_was_written(evidence):
    policy = kinds.OrganisationPolicy(("ssn",), (), ("broker",), ("sex",), (Slice("young", {"age": {"max": 30}}),))
    over_the_wire = json.loads(json.dumps(asdict(policy)))
    provided = evidence(organisation=over_the_wire, organisation_digest="o" * 64).get(kinds.OrganisationPolicy)
    assert (provided.value, provided.inputs) == (policy, {"organisation policy": "o" * 64})
    with pytest.raises(Missing, match="organisation policy"):
        evidence().get(kinds.OrganisationPolicy)


def test_unit_tests_carry_their_cap(evidence, tmp_path):
    report = b'<testsuite><testcase name="a"><failure message="no"/></testcase></testsuite>'
    file = HandedInFile(**put(tmp_path / "junit", report), format="junit", cap="handed in by Ada")
    made = evidence(handed_in={"junit": [file]}).get(kinds.UnitTests)
    assert [(case.name, case.outcome) for case in made.value.cases] == [("a", "failed")]
    assert (made.value.cap, made.cap, made.inputs) == (file.cap, file.cap, {"junit": file.digest})


def test_training_metrics_are_read(evidence, tmp_path):
    file = HandedInFile(**put(tmp_path / "metrics", b'{"loss": [1, NaN]}'), format="training-metrics")
    made = evidence(handed_in={"training-metrics": [file]}).get(kinds.TrainingMetrics)
    assert np.isnan(made.value.series["loss"][1])
    assert (made.value.digest, made.cap) == (file.digest, None)


@pytest.mark.parametrize("kind", [kinds.UnitTests, kinds.TrainingMetrics])
def test_what_was_not_handed_in_is_named(evidence, kind):
    with pytest.raises(Missing) as caught:
        evidence().get(kind)
    assert "hand in a file" in caught.value.how


def test_there_is_no_other_evidence(evidence):
    with pytest.raises(TypeError, match="no evidence of the type str"):
        evidence().get(str)


def test_everything_that_a_check_asks_for_can_be_provided(evidence):
    asked = {need.kind for check in discover().values() for need in needs(check).values()}
    assert asked <= evidence()._providers.keys()
    assert asked


class Asks(Check):
    id = "X"

    def measure(self, earlier: EarlierVersions, policy: OrganisationPolicy | None): ...

    def judge(self, measured, thresholds): ...


def test_types_that_are_imported_for_the_annotations_only_are_found():
    found = {name: (need.kind, need.optional) for name, need in needs(Asks()).items()}
    assert found == {
        "earlier": (kinds.EarlierVersions, False),
        "policy": (kinds.OrganisationPolicy, True),
    }


def test_measured_values_come_back_as_json_would_give_them():
    values = {"rows": 3, "share": np.float64(0.5), "pair": (1, None), "nested": {"ok": True, "name": "a"}}
    assert plain(values) == json.loads(json.dumps(plain(values)))
    assert type(plain(values)["share"]) is float


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({"a": [1.0, float("inf")]}, "measured a.1 is inf"),
        ({"a": {"b": float("nan")}}, "measured a.b is nan"),
        ({"a": np.int64(1)}, "measured a is of the type int64"),
        ({"a": {1: 2}}, "measured a: the key 1 is not text"),
    ],
)
def test_what_json_does_not_know_is_refused_by_path(values, told):
    with pytest.raises(ValueError, match=told):
        plain(values)


def test_what_is_slow_is_made_beside_the_checks_once_the_model_has_loaded(monkeypatch):
    made, ready = [], threading.Event()

    def slow(source, attempt):
        made.append(threading.current_thread() is not threading.main_thread())
        ready.set()
        return Provided("report")

    kinds = {Predictor: lambda *_: Provided("model"), DeepchecksAnswer: slow}
    for kind, provide in kinds.items():
        monkeypatch.setitem(providers.PROVIDERS, kind, provide)
    attempt = Attempt(checks=[], subject=Subject(manifest=manifest()))
    nobody_asks = Evidence(attempt)
    nobody_asks.get(Predictor)
    evidence = Evidence(attempt, {FullSuite, WeakSegments})
    evidence.get(Declaration)
    assert not made
    evidence.get(Predictor)
    assert ready.wait(10)
    assert evidence.get(DeepchecksAnswer).value == "report"
    assert made == [True]
