"""Registration over HTTP, on a real database and a real store: once, whole, or not at all."""

from __future__ import annotations

import hashlib
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlmodel import func, select

from app.catalog.datasets import resolve_reference
from app.errors import Invalid
from app.tables import AuditLog, Dataset, HandedInEvidence, Schedule, Version
from tests.catalog.releases import predictions_only, register, upload, with_skops

pytestmark = pytest.mark.both_databases

JUNIT = b'<testsuite><testcase classname="t" name="a"/></testsuite>'


def count(database, table) -> int:
    with database.read() as session:
        return session.exec(select(func.count()).select_from(table)).one()


def test_a_version_is_registered_once(client, database, tmp_path):
    made, files = predictions_only(tmp_path)
    ci = client("ci")
    first, second = register(ci, made, files), register(ci, made, files)
    assert (first.status_code, second.status_code) == (201, 200)
    assert first.json()["created"]
    assert not second.json()["created"]
    assert first.json()["version"] == second.json()["version"]
    assert count(database, Version) == 1
    version = ci.get("/api/v1/models/tumour-malignancy/versions/1.0.0").json()
    assert version["datasets"]["test"]["rows"] == 284
    assert version["datasets"]["test"]["columns"]["y_proba"] == "double"


def test_other_content_under_the_same_name_is_a_conflict_that_names_it(client, tmp_path):
    made, files = predictions_only(tmp_path)
    ci = client("ci")
    register(ci, made, files)
    made["quality"]["floor"] = 0.95
    files["train"].write_bytes(files["test"].read_bytes())
    answer = register(ci, made, files)
    assert answer.status_code == 409
    problem = answer.json()
    assert {e["path"] for e in problem["errors"]} == {"quality.floor", "files.train"}
    assert "registered as 0.9, now 0.95" in problem["detail"]


def test_a_key_that_came_after_a_registration_does_not_make_it_another(client, database, tmp_path):
    made, files = predictions_only(tmp_path)
    register(client("ci"), made, files)
    with database.write() as session:
        version = session.exec(select(Version)).one()
        version.manifest = {key: value for key, value in version.manifest.items() if key != "code"}
        version.content_digest = "0" * 64
    assert register(client("ci"), made, files).status_code == 200
    made["code"] = {"protected_branch": "trunk"}
    assert register(client("ci"), made, files).status_code == 409


def test_another_task_is_another_model(client, tmp_path):
    made, files = predictions_only(tmp_path)
    ci = client("ci")
    register(ci, made, files)
    made["version"]["name"] = "2.0.0"
    made["model"]["task"] = "multiclass"
    assert register(ci, made, files).status_code == 409


def test_a_new_version_describes_the_model_anew(client, tmp_path):
    made, files = predictions_only(tmp_path)
    ci = client("ci")
    register(ci, made, files)
    made["version"]["name"] = "1.1.0"
    made["model"]["owner"] = "somebody-else@example.com"
    register(ci, made, files)
    model = ci.get("/api/v1/models/tumour-malignancy").json()
    assert (model["owner"], model["newest_version"]) == ("somebody-else@example.com", "1.1.0")


def test_racing_registrations_leave_one_version(client, database, tmp_path):
    made, files = predictions_only(tmp_path)
    ci = client("ci")
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda _: register(ci, made, files), range(4)))
    assert sorted(a.status_code for a in answers) == [200, 200, 200, 201]
    assert (count(database, Version), count(database, Dataset)) == (1, 2)


@pytest.mark.parametrize(
    ("path", "value", "where", "words"),
    [
        ("columns__label", "malignent", "data.train", 'did you mean "malignant"?'),
        ("columns__probability", "proba", "data.test", "has no column 'proba'"),
        ("columns__id", "row", "data.test", "has no column 'row'"),
        ("sensitive", ["gender"], "data.test", "has no column 'gender'"),
        ("slices", [{"name": "a", "where": {"mean radios": 1}}], "data.test", 'did you mean "mean radius"?'),
        ("model__audit_cron", "every day", "model.audit_cron", "not a cron expression"),
        ("model__audit_cron", "0 6 1 * 1", "model.audit_cron", "not both"),
        ("model__nmae", "x", "model.nmae", 'did you mean "name"?'),
        ("quality__floor", "high", "quality.floor", "number"),
    ],
)
def test_what_could_never_be_audited_is_refused(client, database, tmp_path, path, value, where, words):
    made, files = predictions_only(tmp_path, **{path: value})
    answer = register(client("ci"), made, files)
    assert answer.status_code == 422
    assert [words in e["message"] for e in answer.json()["errors"] if e["path"] == where] == [True]
    assert count(database, Version) == 0


def test_files_and_manifest_must_agree(client, tmp_path):
    made, files = predictions_only(tmp_path)
    ci = client("ci")
    only_train = {"train": files["train"]}
    assert "files.test" in register(ci, made, only_train).text
    superfluous = {**files, "reference": files["test"]}
    assert "not named by the manifest" in register(ci, made, superfluous).text
    unknown = {"train": {"digest": "0" * 64, "filename": "a.parquet"}, "test": upload(ci, files["test"])}
    answer = ci.post("/api/v1/registrations", json={"manifest": made, "files": unknown})
    assert answer.status_code == 404


def test_a_model_of_other_inputs_is_refused(client, tmp_path):
    made, files = with_skops(tmp_path)
    made["features"].reverse()
    answer = register(client("ci"), made, files)
    assert answer.status_code == 422
    assert "the model's input at this place is 'mean radius'" in answer.text
    made["features"].append({"name": "mean area", "type": "number"})
    assert "the model takes 2" in register(client("ci"), made, files).text


def test_a_skops_model_is_registered_with_its_class(client, tmp_path):
    made, files = with_skops(tmp_path)
    version = register(client("ci"), made, files).json()["version"]
    assert (version["artifact_format"], version["model_class"]) == ("skops", "LogisticRegression")


def test_evidence_comes_with_the_registration_and_only_once(client, database, tmp_path):
    made, files = predictions_only(tmp_path)
    junit = tmp_path / "junit.xml"
    junit.write_bytes(JUNIT)
    ci = client("ci")
    evidence = [{"kind": "junit", **upload(ci, junit), "commit": "3f2a91c"}]
    register(ci, made, files, evidence=evidence)
    assert register(ci, made, files, evidence=evidence).status_code == 200
    assert count(database, HandedInEvidence) == 1


def test_a_schedule_follows_the_manifest(client, database, tmp_path):
    made, files = predictions_only(tmp_path, model__audit_cron="0 6 * * *")
    ci = client("ci")
    register(ci, made, files)
    made["version"]["name"], made["model"]["audit_cron"] = "1.1.0", "0 7 * * *"
    register(ci, made, files)
    with database.read() as session:
        assert [s.cron for s in session.exec(select(Schedule))] == ["0 7 * * *"]


def test_every_registration_is_in_the_audit_log(client, database, tmp_path):
    made, files = predictions_only(tmp_path)
    register(client("ci"), made, files)
    with database.read() as session:
        rows = session.exec(select(AuditLog).where(AuditLog.action == "version.registered")).all()
    assert [(row.actor, row.subject) for row in rows] == [("test-ci", "tumour-malignancy@1.0.0")]


# --- uploads --------------------------------------------------------------------------------------------


def test_an_upload_must_have_the_digest_it_claims(client, blobs):
    ci = client("ci")
    digest = hashlib.sha256(b"something").hexdigest()
    assert ci.head(f"/api/v1/blobs/{digest}").status_code == 404
    assert ci.put(f"/api/v1/blobs/{digest}", content=b"something else").status_code == 422
    assert not blobs.has(digest)
    assert ci.put(f"/api/v1/blobs/{digest}", content=b"something").status_code == 201
    assert ci.head(f"/api/v1/blobs/{digest}").status_code == 204


# --- data in place --------------------------------------------------------------------------------------


@pytest.fixture
def warehouse(tmp_path):
    root = tmp_path / "warehouse"
    (root / "credit").mkdir(parents=True)
    (tmp_path / "secret.parquet").write_bytes(b"secret")
    (root / "link.parquet").symlink_to(tmp_path / "secret.parquet")
    return root


def test_data_is_read_in_place_below_a_configured_root(settings, warehouse, tmp_path):
    predictions_only(warehouse / "credit")
    configured = settings.model_copy(update={"data_roots": {"warehouse": warehouse}})
    assert resolve_reference("warehouse/credit/train.parquet", configured).is_file()


def test_a_version_refers_to_data_in_place(app, client, warehouse):
    made, files = predictions_only(warehouse / "credit")
    app.state.settings = app.state.settings.model_copy(update={"data_roots": {"warehouse": warehouse}})
    made["data"]["train"] = {"ref": "warehouse/credit/train.parquet"}
    answer = register(client("ci"), made, {"test": files["test"]})
    assert answer.status_code == 201
    train = answer.json()["version"]["datasets"]["train"]
    assert (train["location"], train["rows"]) == ("warehouse/credit/train.parquet", 285)
    made["version"]["name"] = "1.0.1"
    made["data"]["train"] = {"ref": "warehouse/credit/tarin.parquet"}
    assert register(client("ci"), made, {"test": files["test"]}).status_code == 422


@pytest.mark.parametrize(
    "reference",
    [
        "warehouse/../secret.parquet",
        "warehouse/credit/../../secret.parquet",
        "warehouse/..\\secret.parquet",
        "warehouse//etc/passwd",
        "warehouse//proc/self/cwd/../etc/passwd",
        "warehouse/link.parquet",
        "warehouse/%2e%2e/secret.parquet",
        "warehouse/credit",
        "warehouse/",
        "warehouse",
        "warehouse/a\0b",
        "/etc/passwd",
        "../secret.parquet",
        "file:///etc/passwd",
        "wharehouse/credit/train.parquet",
    ],
)
def test_no_reference_leaves_its_root(settings, warehouse, reference):
    configured = settings.model_copy(update={"data_roots": {"warehouse": warehouse}})
    with pytest.raises(Invalid):
        resolve_reference(reference, configured)
