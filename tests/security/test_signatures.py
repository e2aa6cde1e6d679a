"""The gate is not passed with something else: decisions are signed, bound to what they are about, and used once."""

from __future__ import annotations

import base64
import hashlib
import json
import subprocess
import sys
import threading
from datetime import timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from google.protobuf.json_format import Parse
from in_toto_attestation.v1.statement import Statement
from in_toto_attestation.v1.statement_pb2 import Statement as StatementPb
from securesystemslib.dsse import Envelope
from securesystemslib.exceptions import VerificationError
from securesystemslib.signer import SSlibKey
from sqlmodel import select

from app.access import audit_log
from app.access.chain import Head, canonical
from app.access.identity import ROLE_SCOPES, Identity
from app.cli import run
from app.db import Database, utcnow
from app.delivery import decisions
from app.errors import Conflict, Unavailable
from app.gate import service
from app.gate.derivation import rederive
from app.gate.schemas import EvaluationIn
from app.signing import dsse, keys, queries
from app.signing import statement as statements
from app.tables import AuditLog, Decision, SigningKey, Version
from tests.delivery import planted as delivered
from tests.gate import planted

pytestmark = pytest.mark.both_databases

CI = Identity("pipeline", "ci", ROLE_SCOPES["ci"] - {"audit"})
"""Decides at once."""
MODEL_FILE = b"the very model"


@pytest.fixture
def subject(database):
    """A version that passes, of the artifact ``MODEL_FILE``."""
    _, version = planted.registered(database)
    with database.write() as session:
        version = session.get_one(Version, version.id)
        version.artifact_digest = hashlib.sha256(MODEL_FILE).hexdigest()
        planted.admissible(session, version)
    return version


@pytest.fixture
def decide(database, settings, subject):
    def make(**changes) -> Decision:
        given = {"model": "credit-default", "version": "1.0.0", "environment": "production"} | changes
        with database.write() as session:
            return service.evaluate(session, EvaluationIn(**given), CI, settings)

    return make


@pytest.fixture
def files(tmp_path, database, decide):
    """``files(row)``: an exported decision, the artifact, and the public keys, as arguments of ``verify``."""

    def make(row, envelope=None):
        exported, artifact, public = tmp_path / "decision.json", tmp_path / "model.onnx", tmp_path / "keys.pem"
        exported.write_text(json.dumps(envelope or row.envelope))
        artifact.write_bytes(MODEL_FILE)
        with database.read() as session:
            public.write_text("".join(one.public for one in queries.all_keys(session)))
        return [str(exported), "--artifact", str(artifact), "--key", str(public)]

    return make


def payload(envelope):
    return json.loads(base64.b64decode(envelope["payload"]))


def consume(database, row, identity=CI):
    with database.write() as session:
        return decisions.consume(session, row.id, identity)


# --- what is signed -----------------------------------------------------------------------------


def test_a_decision_binds_artifact_policy_evidence_environment_and_end(database, decide, subject):
    row = decide()
    told = payload(row.envelope)
    predicate = told["predicate"]
    assert told["subject"][0]["digest"] == {"sha256": subject.artifact_digest}
    assert predicate["policy"]["digest"] == {"sha256": row.body["policy"]["digest"]}
    assert (
        predicate["inputAttestations"][0]["digest"]["sha256"] == hashlib.sha256(canonical(row.inputs)).hexdigest()
    )
    assert (predicate["verificationResult"], predicate["verifiedLevels"]) == ("PASSED", ["ASSAY_PRODUCTION_ADMIT"])
    ours = predicate["assay_decision"]
    assert (ours["id"], ours["environment"], ours["stage"], ours["status"]) == (
        row.id,
        "production",
        "admit",
        "pass",
    )
    assert ours["expiresAt"] == row.body["expires_at"]
    with database.read() as session:
        made = session.exec(select(AuditLog).where(AuditLog.action == "decision.make")).one()
        assert ours["auditLog"] == {"sequence": made.id - 1, "sha256": made.previous}
        assert audit_log.verification(session, Head(made.id - 1, ours["auditLog"]["sha256"])).valid


@pytest.mark.parametrize(
    ("verdict", "status"), [("fail", "fail"), ("inconclusive", "unknown"), ("error", "unknown")]
)
def test_whatever_is_not_pass_is_signed_as_failed(database, decide, subject, verdict, status):
    with database.write() as session:
        planted.audit(session, subject, {"DATA-1": verdict}, days=0.5)
    row = decide()
    assert row.status == status
    predicate = payload(row.envelope)["predicate"]
    assert (predicate["verificationResult"], predicate["verifiedLevels"]) == ("FAILED", ["FAILED"])
    assert predicate["assay_decision"]["status"] == status


def test_a_dry_run_is_not_signed(database, decide):
    assert decide(dry_run=True).envelope is None
    with database.read() as session:
        assert queries.all_keys(session) == []


def test_securesystemslib_and_in_toto_accept_it(database, decide):
    row = decide()
    with database.read() as session:
        (public,) = dsse.keys_in([queries.active(session).public]).values()
    key = SSlibKey.from_crypto(public, keyid=dsse.key_id(public))
    envelope = Envelope.from_dict(row.envelope)
    assert set(envelope.verify([key], threshold=1)) == {dsse.key_id(public)}
    assert envelope.payload_type == "application/vnd.in-toto+json"
    Statement.copy_from_pb(Parse(envelope.payload, StatementPb())).validate()
    envelope.payload = envelope.payload.replace(b'"PASSED"', b'"FAILED"')
    with pytest.raises(VerificationError):
        envelope.verify([key], threshold=1)


def test_what_securesystemslib_encodes_is_what_we_sign():
    content = "ünïcode".encode()
    assert dsse.encoded("a/b", content) == Envelope(content, "a/b", {}).pae()


# --- verified elsewhere -------------------------------------------------------------------------


def test_offline_a_good_decision_is_accepted_and_nothing_else(decide, files, tmp_path, capsys):
    row = decide()
    asked = files(row)
    assert run(["decision", "verify", *asked]) == 0
    assert "admit credit-default 1.0.0 to production" in capsys.readouterr().out
    assert run(["decision", "verify", *asked, "-e", "production"]) == 0
    assert run(["decision", "verify", *asked, "-e", "staging"]) == 1
    assert "for production, not for staging" in capsys.readouterr().err
    (tmp_path / "model.onnx").write_bytes(MODEL_FILE + b"!")
    assert run(["decision", "verify", *asked]) == 1
    assert "another artifact" in capsys.readouterr().err


def test_offline_no_service_and_no_database_is_needed(decide, files, tmp_path):
    asked = files(decide())
    environment = {"ASSAY_DATA_DIR": str(tmp_path / "nowhere"), "ASSAY_URL": "http://127.0.0.1:9"}
    code = (
        "import sys; from app.cli import run; code = run(sys.argv[1:]); "
        "heavy = {'fastapi', 'pandas', 'alembic'} & set(sys.modules); sys.exit(code or len(heavy))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, "decision", "verify", *asked],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("verified decision")
    assert not (tmp_path / "nowhere").exists()


def test_offline_an_expired_or_failed_decision_is_refused(database, settings, decide, files, subject, capsys):
    row = decide()
    told = payload(row.envelope)
    later = utcnow() + timedelta(days=2)
    assert [*statements.problems(told, None, None, later)] == [f"it expired at {row.body['expires_at']}"]
    with database.write() as session:
        planted.audit(session, subject, {"DATA-1": "fail"}, days=0.5)
    assert run(["decision", "verify", *files(decide())]) == 1
    assert "the decision is fail, not pass" in capsys.readouterr().err


def test_offline_what_another_key_signed_is_refused(decide, files, capsys):
    row = decide()
    forged = dsse.sign(Ed25519PrivateKey.generate(), statements.PAYLOAD_TYPE, payload(row.envelope))
    assert run(["decision", "verify", *files(row, forged)]) == 1
    assert "none of the keys that you trust" in capsys.readouterr().err
    forged["signatures"][0]["keyid"] = row.envelope["signatures"][0]["keyid"]
    assert run(["decision", "verify", *files(row, forged)]) == 1
    assert "changed after it was signed" in capsys.readouterr().err


def test_offline_no_byte_of_the_payload_can_be_flipped(database, decide):
    row = decide()
    with database.read() as session:
        trusted = keys.trusted(session)
    content = base64.b64decode(row.envelope["payload"])
    assert dsse.opened(row.envelope, statements.PAYLOAD_TYPE, trusted) == json.loads(content)
    for place in range(len(content)):
        flipped = bytearray(content)
        flipped[place] ^= 1 << place % 8
        with pytest.raises(dsse.NotSigned):
            dsse.opened(
                row.envelope | {"payload": base64.b64encode(flipped).decode()}, statements.PAYLOAD_TYPE, trusted
            )


@pytest.mark.parametrize(
    "envelope",
    [
        None,
        [],
        "",
        {},
        {"payloadType": "x"},
        {"payload": "?", "payloadType": "x", "signatures": []},
        {"payload": 3},
    ],
)
def test_what_is_no_envelope_is_refused(envelope):
    with pytest.raises(dsse.NotSigned):
        dsse.opened(envelope, statements.PAYLOAD_TYPE, {})


@pytest.mark.parametrize("change", [{"signatures": []}, {"signatures": [{}]}, {"payloadType": "text/plain"}])
def test_an_envelope_without_a_good_signature_of_its_type_is_refused(database, decide, change):
    row = decide()
    with database.read() as session, pytest.raises(dsse.NotSigned):
        dsse.opened(row.envelope | change, statements.PAYLOAD_TYPE, keys.trusted(session))


# --- used ---------------------------------------------------------------------------------------


def test_a_decision_that_was_edited_with_all_that_it_follows_from_lets_nothing_in(
    database, settings, decide, subject
):
    """Somebody who owns the database turns a "no" into a "yes" that is derived from its own inputs."""
    yes = decide()
    with database.write() as session:
        planted.audit(session, subject, {"DATA-1": "fail"}, days=0.5)
    no = decide()
    with database.write() as session:
        row, good = session.get_one(Decision, no.id), session.get_one(Decision, yes.id)
        inputs = {**good.inputs, "id": row.id, "evaluation_url": row.body["evaluation_url"]}
        row.inputs, row.body, row.status = inputs, rederive(inputs), "pass"
    with database.read() as session:
        assert service.replay(session.get_one(Decision, no.id))[1] == []
    with pytest.raises(Conflict, match="is not what was signed: it was changed in the database"):
        consume(database, no)


@pytest.mark.parametrize(
    ("change", "why"),
    [({"envelope": None}, "is not signed"), ({"envelope": {"payload": ""}}, "is not what was signed")],
)
def test_a_decision_without_its_signature_lets_nothing_in(database, decide, change, why):
    row = decide()
    with database.write() as session:
        session.get_one(Decision, row.id).sqlmodel_update(change)
    with pytest.raises(Conflict, match=why):
        consume(database, row)


def test_the_signature_of_another_decision_is_not_enough(database, decide):
    first, second = decide(), decide()
    with database.write() as session:
        session.get_one(Decision, second.id).envelope = first.envelope
    with pytest.raises(Conflict, match="changed in the database"):
        consume(database, second)
    assert consume(database, first).consumed_by == "pipeline"


def test_of_fifty_consumers_one_wins(database, settings, decide):
    row, won, lost = decide(), [], []
    databases = [Database(settings.sqlalchemy_url) for _ in range(2)]
    start = threading.Barrier(50)

    def race(number):
        start.wait()
        try:
            won.append(consume(databases[number % 2], row).consumed_by)
        except Conflict as error:
            lost.append(str(error))

    threads = [threading.Thread(target=race, args=(number,)) for number in range(50)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for one in databases:
        one.dispose()
    assert (len(won), len(lost)) == (1, 49)
    assert all("was consumed by pipeline" in one for one in lost)
    with database.read() as session:
        assert len(session.exec(select(AuditLog).where(AuditLog.action == "decision.consume")).all()) == 1
        assert audit_log.verification(session).valid


def test_a_deployment_and_a_consumer_exclude_each_other(database, settings, identity):
    delivered.versions(database, "1.0.0")
    used = delivered.decide(database, settings, identity, "1.0.0")
    consume(database, used)
    with pytest.raises(Conflict, match="was consumed by pipeline"):
        delivered.deploy(database, identity, "1.0.0", decision_id=used.id)
    other = delivered.decide(database, settings, identity, "1.0.0")
    delivered.deploy(database, identity, "1.0.0", decision_id=other.id)
    with pytest.raises(Conflict, match="was consumed by deployment"):
        consume(database, other)


def test_over_http_and_on_the_command_line(client, decide, capsys):
    row, path = decide(), "/api/v1/gate/evaluations"
    ci = client("ci")
    assert ci.get(f"{path}/{row.id}/envelope").json() == row.envelope
    assert ci.get("/api/v1/keys").json()[0]["id"] == row.envelope["signatures"][0]["keyid"]
    assert client("viewer").post(f"{path}/{row.id}/consume").status_code == 403
    used = ci.post(f"{path}/{row.id}/consume")
    assert (used.status_code, used.json()["consumed_by"]) == (200, "test-ci")
    again = ci.post(f"{path}/{row.id}/consume")
    assert (again.status_code, "was consumed by test-ci" in again.json()["detail"]) == (409, True)
    assert ci.get(f"{path}/999/envelope").status_code == 404


# --- keys ---------------------------------------------------------------------------------------


def test_a_new_key_signs_and_the_earlier_ones_stay_good(database, settings, decide, files):
    first = decide()
    with database.write() as session:
        name = keys.rotate(session, settings, "ada")
    second = decide()
    assert second.envelope["signatures"][0]["keyid"] == name != first.envelope["signatures"][0]["keyid"]
    assert run(["decision", "verify", *files(first)]) == 0
    assert run(["decision", "verify", *files(second)]) == 0
    consume(database, first)
    with database.read() as session:
        assert [one.retired_at is None for one in queries.all_keys(session)] == [True, False]


def test_private_keys_are_for_the_service_alone_and_named_by_their_public_half(settings, decide):
    row = decide()
    (file,) = settings.key_dir.iterdir()
    assert file.stem == row.envelope["signatures"][0]["keyid"]
    assert (file.stat().st_mode & 0o777, settings.key_dir.stat().st_mode & 0o777) == (0o600, 0o700)
    der = subprocess.run(
        ["openssl", "pkey", "-in", file, "-pubout", "-outform", "DER"], capture_output=True, check=True
    )
    assert hashlib.sha256(der.stdout).hexdigest() == file.stem


def test_without_the_private_key_nothing_is_decided(database, settings, decide):
    decide()
    (file,) = settings.key_dir.iterdir()
    file.unlink()
    keys._read.cache_clear()
    with pytest.raises(Unavailable, match="ASSAY_SIGNING_KEY_FILE"):
        decide()
    with database.read() as session:
        assert len(session.exec(select(Decision)).all()) == 1


def key_file(folder, name):
    key = Ed25519PrivateKey.generate()
    (folder / name).write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return folder / name


def test_replicas_share_a_key_file_and_one_with_a_retired_key_signs_nothing(database, settings, tmp_path):
    old, new = (settings.model_copy(update={"signing_key_file": key_file(tmp_path, name)}) for name in "ab")

    def sign(replica):
        with database.write() as session:
            return dsse.key_id(keys.signer(session, replica).public_key())

    first = sign(old)
    assert sign(old) == first
    second = sign(new)
    assert second != first
    with pytest.raises(Unavailable, match="was retired"):
        sign(old)
    assert sign(new) == second
    with database.write() as session, pytest.raises(Conflict, match="put another there"):
        keys.rotate(session, new, "ada")
    with database.read() as session:
        assert {one.id: one.retired_at is None for one in session.exec(select(SigningKey))} == {
            first: False,
            second: True,
        }


@pytest.mark.parametrize("content", [b"", b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"])
def test_a_file_without_an_ed25519_key_signs_nothing(database, settings, tmp_path, content):
    (tmp_path / "key").write_bytes(content)
    with database.write() as session, pytest.raises(Unavailable, match="cannot be read"):
        keys.signer(session, settings.model_copy(update={"signing_key_file": tmp_path / "key"}))


def test_keys_on_the_command_line(settings, decide, capsys, monkeypatch):
    monkeypatch.setenv("ASSAY_DATA_DIR", str(settings.data_dir))
    decide()
    assert run(["key", "rotate"]) == 0
    name = capsys.readouterr().out.strip()
    assert run(["key", "list"]) == 0
    assert name in capsys.readouterr().out
    assert run(["key", "export"]) == 0
    assert name in dsse.keys_in([capsys.readouterr().out])
