"""What an attempt is given of what the database knows."""

from __future__ import annotations

import pytest
from sqlmodel import delete

from app.audits import queries
from app.audits.plan import plan
from app.db import utcnow
from app.tables import Audit, Blob, Dataset, Decision, Deployment, HandedInEvidence, Policy, VersionDataset
from checks.evidence import OrganisationPolicy
from tests.audits.conftest import plant

ORGANISATION = """
assay_policy: 1
name: organisation
banned_features: [ssn]
"""


@pytest.fixture
def planned(database, blobs, settings, tmp_path):
    """``planned(version)``: the plan of an audit of it."""

    def make(version, **changes):
        with database.write() as session:
            row = {"trigger": "ci", "actor": "ci", "automatic": True, "progress": {}, "checks": ["DATA-1"]}
            audit = Audit(model_id=version.model_id, version_id=version.id, **row)
            session.add(audit)
            session.flush()
            return plan(session, audit, blobs, settings.model_copy(update=changes), tmp_path)

    return make


@pytest.fixture
def model_file(database, blobs):
    stored = blobs.put_bytes(b"a model")
    return {"artifact_digest": stored.digest, "artifact_format": "skops", "model_class": "LogisticRegression"}


def test_the_subject_is_the_version_as_registered(database, planned, blobs, model_file):
    with database.write() as session:
        _, version = plant(session, **model_file)
    made = planned(version)
    assert made.checks == ["DATA-1"]
    assert made.subject.manifest == version.manifest
    assert made.subject.model_class == "LogisticRegression"
    assert made.subject.artifact.path == str(blobs.path(version.artifact_digest))
    assert (made.earlier, made.handed_in, made.datasets) == ([], {}, {})


def test_predictions_only_has_no_artifact(planned, planted):
    assert planned(planted[1]).subject.artifact is None


def test_a_lost_blob_is_told_instead_of_stopping_the_audit(database, planned):
    with database.write() as session:
        _, version = plant(session, artifact_digest="e" * 64, artifact_format="skops")
    artifact = planned(version).subject.artifact
    assert artifact.path is None
    assert "no blob" in artifact.problem


def _dataset(session, version, role, **columns):
    dataset = Dataset(**{"format": "csv", "rows": 3, "columns": {}} | columns)
    session.add(dataset)
    session.flush()
    session.add(VersionDataset(version_id=version.id, role=role, dataset_id=dataset.id))


def test_data_sets_by_role_from_store_and_roots(database, planned, planted, blobs, tmp_path):
    root = tmp_path / "root"
    root.mkdir()
    (root / "test.csv").write_text("a\n1\n")
    stored = blobs.put_bytes(b"a\n1\n")
    with database.write() as session:
        _dataset(session, planted[1], "train", digest=stored.digest)
        _dataset(session, planted[1], "test", digest="d" * 64, location="lake/test.csv")
        _dataset(session, planted[1], "reference", digest="f" * 64, location="lake/gone.csv")
    data = planned(planted[1], data_roots={"lake": root}).datasets
    assert (data["train"].path, data["train"].location) == (str(blobs.path(stored.digest)), "")
    assert (data["test"].path, data["test"].location) == (str(root / "test.csv"), "lake/test.csv")
    assert data["reference"].path is None
    assert "lake/gone.csv" in data["reference"].problem


def test_of_each_kind_the_newest_file_counts_with_its_cap(database, planned, blobs):
    with database.write() as session:
        _, version = plant(session, commit="3f2a91c")
        for content, kind, actor, automatic, commit in (
            (b"1", "junit", "ci", True, "3f2a91c"),
            (b"2", "junit", "Ada", False, "3f2a91c"),
            (b"3", "training-metrics", "ci", True, None),
        ):
            row = {"digest": blobs.put_bytes(content).digest, "kind": kind, "actor": actor, "automatic": automatic}
            _blob_row(session, row["digest"])
            session.add(HandedInEvidence(version_id=version.id, filename="f", commit=commit, **row))
            session.flush()
    found = {kind: files[0] for kind, files in planned(version).handed_in.items()}
    assert found["junit"].path == str(blobs.path(blobs.put_bytes(b"2").digest))
    assert "Ada" in found["junit"].cap
    assert "cannot be tied" in found["training-metrics"].cap


def _blob_row(session, digest):
    session.add(Blob(digest=digest, size=1))
    session.flush()


def test_evidence_by_ci_for_the_versions_commit_is_not_capped(database, planned, blobs):
    digest = blobs.put_bytes(b"1").digest
    with database.write() as session:
        _, version = plant(session, commit="3f2a91c")
        _blob_row(session, digest)
        row = {"kind": "junit", "filename": "f", "actor": "ci", "automatic": True, "commit": "3f2a91c"}
        session.add(HandedInEvidence(version_id=version.id, digest=digest, **row))
    assert planned(version).handed_in["junit"][0].cap is None


def test_the_organisations_policy_is_sent_along(database, planned, planted):
    with database.write() as session:
        session.add(Policy(name="organisation", version=99, text=ORGANISATION, digest="o" * 64, created_by="admin"))
    assert planned(planted[1]).organisation["banned_features"] == ("ssn",)
    assert planned(planted[1]).organisation_digest == "o" * 64
    assert planned(planted[1]).organisation.keys() == vars(OrganisationPolicy()).keys()


def test_without_a_policy_there_is_none(database, planned, planted):
    with database.write() as session:
        session.exec(delete(Policy))
    assert planned(planted[1]).organisation is None


@pytest.fixture
def lineage(database, model_file):
    """Eight versions: the third is predictions only, the last is to be audited."""
    with database.write() as session:
        return [plant(session, version=f"{i}.0", **({} if i == 3 else model_file))[1] for i in range(1, 9)]


@pytest.fixture
def decide(database, lineage):
    def make(name, environment="production", status="pass"):
        version = next(one for one in lineage if one.name == name)
        with database.write() as session:
            row = {"environment": environment, "stage": "admit", "status": status, "actor": "ci"}
            session.add(Decision(model_id=version.model_id, version_id=version.id, body={}, inputs={}, **row))

    return make


def names(earlier):
    return [(one.name, one.incumbent, one.rescored) for one in earlier]


def test_five_earlier_versions_with_a_model(planned, lineage):
    made = planned(lineage[-1]).earlier
    assert names(made) == [(f"{i}.0", False, True) for i in (7, 6, 5, 4, 2)]
    assert made[0].manifest["version"]["name"] == "7.0"
    assert made[0].artifact.path


def test_the_first_version_has_none(planned, lineage):
    assert planned(lineage[0]).earlier == []


def test_the_incumbent_is_the_newest_that_went_to_production(planned, lineage, decide):
    decide("4.0")
    decide("5.0")
    decide("6.0", environment="staging")
    decide("7.0", status="fail")
    decide("8.0")
    assert [name for name, incumbent, _ in names(planned(lineage[-1]).earlier) if incumbent] == ["5.0"]


def test_without_production_it_is_the_newest_that_went_anywhere(planned, lineage, decide):
    decide("4.0", environment="staging")
    decide("6.0", environment="staging")
    assert [name for name, incumbent, _ in names(planned(lineage[-1]).earlier) if incumbent] == ["6.0"]


@pytest.mark.parametrize("name", ["1.0", "3.0"])
def test_an_old_incumbent_comes_on_top_of_the_five(planned, lineage, decide, name):
    decide(name)
    found = names(planned(lineage[-1]).earlier)
    assert (name, True, False) in found
    assert sum(rescored for _, _, rescored in found) == queries.EARLIER_VERSIONS


def test_nothing_passed_means_no_incumbent(planned, lineage, decide):
    decide("4.0", status="unknown")
    assert not any(incumbent for _, incumbent, _ in names(planned(lineage[-1]).earlier))


@pytest.fixture
def stay(database, lineage):
    """``stay("4.0")``: the version took stable traffic; ``outcome``: how that ended."""

    def make(name, environment="production", role="stable", outcome=None):
        version = next(one for one in lineage if one.name == name)
        row = {"environment": environment, "role": role, "stage": "promote", "kind": "decision", "reason": "x"}
        row |= {"actor": "ci", "outcome": outcome, "ended_at": utcnow() if outcome else None}
        with database.write() as session:
            session.add(Deployment(model_id=version.model_id, version_id=version.id, **row))

    return make


@pytest.fixture
def incumbent(database, lineage):
    def find(name="8.0", environment=None):
        version = next(one for one in lineage if one.name == name)
        with database.read() as session:
            found = queries.incumbent_of(session, version, environment)
        return found and found.name

    return find


def test_the_incumbent_is_what_serves_whatever_was_decided_since(planned, lineage, decide, stay, incumbent):
    decide("6.0")
    assert incumbent() == "6.0"
    stay("4.0", outcome="replaced")
    stay("5.0", role="canary")
    stay("2.0", environment="staging")
    assert incumbent() == "4.0"  # nothing serves: what did last
    stay("1.0")
    assert incumbent() == "1.0"
    assert incumbent(environment="staging") == "2.0"
    assert incumbent(environment="elsewhere") == "6.0"
    assert [name for name, is_it, _ in names(planned(lineage[-1]).earlier) if is_it] == ["1.0"]


def test_what_serves_is_held_against_what_it_replaced_unless_that_was_rolled_back(stay, incumbent):
    stay("4.0", outcome="replaced")
    stay("7.0", outcome="rolled_back")
    stay("5.0")
    assert incumbent("5.0") == "4.0"
    assert incumbent("8.0") == "5.0"


def test_other_models_are_no_earlier_versions(database, planned, lineage, model_file):
    with database.write() as session:
        _, other = plant(session, name="other", **model_file)
    assert planned(other).earlier == []
