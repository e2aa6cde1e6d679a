"""Planted personal data through a whole audit: found, and then nowhere in what Assay writes."""

import logging

import pytest

from checks import discover
from tests.catalog.releases import frames, predictions_only, register, upload

SECRETS = ("jane.roe@gmail.com", "4539 1488 0343 6467", "applicant-0007-roe", "eve.adams@example.com")
VERSION = "/api/v1/models/tumour-malignancy/versions/1.0.0"


@pytest.fixture
def registered(client, tmp_path):
    """A version whose training data holds a person's address, card and id, as a column of each."""
    made, files = predictions_only(tmp_path, columns__id="applicant")
    train, _ = frames()
    ids = [f"applicant-{row:04d}-roe" for row in range(len(train))]
    note = ["nothing to report", *SECRETS[:2]] + ["fine"] * (len(train) - 3)
    train.assign(applicant=ids, note=note, clinic=note).to_parquet(files["train"])
    test = frames()[1]
    test.assign(applicant=[f"x{row}" for row in range(len(test))], note="fine", clinic="fine").to_parquet(
        files["test"]
    )
    made["features"] += [
        {"name": "note", "type": "text"},
        {"name": "clinic", "type": "category", "categories": ["fine"]},
    ]
    made["sensitive"] = ["note"]
    http = client("ci")
    assert register(http, made, files).status_code == 201
    return http


def hand_in(http, folder, kind, content):
    path = folder / kind
    path.write_text(content)
    entry = upload(http, path)
    answer = http.post(f"{VERSION}/evidence", json={"kind": kind, "commit": "3f2a91c", **entry})
    assert answer.status_code == 201, answer.text
    return entry["digest"]


def test_planted_personal_data_is_found_and_written_nowhere(registered, work, settings, tmp_path, caplog, capfd):
    http = registered
    given = [
        hand_in(http, tmp_path, "deleted-ids", f"{SECRETS[2]}\nsomebody-else\n"),
        hand_in(http, tmp_path, "access-list", f'{{"raw": ["risk"], "training": ["risk", "{SECRETS[3]}"]}}'),
    ]
    datasets = [file["digest"] for file in http.get(VERSION).json()["datasets"].values()]
    with caplog.at_level(logging.DEBUG):
        asked = {"model": "tumour-malignancy", "version": "1.0.0", "checks": list(discover())}
        audit_id = http.post("/api/v1/audits", json=asked).json()["id"]
        work()
    items = http.get(f"/api/v1/audits/{audit_id}/findings", params={"full": True}).json()["items"]
    finding = {one["check_id"]: one for one in items}["DATA-5"]
    assert finding["verdict"] == "fail"
    for fault in ("note", "clinic", "EMAIL_ADDRESS", "1 of 2 deleted ids", "1 principals"):
        assert fault in finding["reason"]
    assert finding["cap"] is None
    assert finding["inputs"].keys() == {"train", "deleted-ids", "access-list", "organisation policy"}
    handed_in = {*given, *datasets}
    written = [path for path in settings.data_dir.rglob("*") if path.is_file() and path.name not in handed_in]
    assert any(path.suffix == ".sqlite3" for path in written)
    everything = b"\n".join(path.read_bytes() for path in written)
    everything += caplog.text.encode() + "".join(capfd.readouterr()).encode()
    assert [secret for secret in SECRETS if secret.encode() in everything] == []
