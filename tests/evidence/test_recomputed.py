"""Recomputed features at the door: a table with ids and features is taken, anything else is refused by name."""

import pandas as pd
import pytest

from tests.catalog.releases import FEATURES, predictions_only, register, upload

VERSION = "/api/v1/models/tumour-malignancy/versions/1.0.0"
FRAME = pd.DataFrame({"assay.id": ["a", "b"], **dict.fromkeys(FEATURES, 1.0)})


@pytest.fixture
def registered(client, tmp_path):
    assert register(client("ci"), *predictions_only(tmp_path)).status_code == 201


def push(client, path):
    return client.post(f"{VERSION}/evidence", json={"kind": "recomputed-features", **upload(client, path)})


@pytest.mark.parametrize("name", ["features.parquet", "features.csv"])
@pytest.mark.parametrize("identifier", ["assay.id", "id"])
def test_a_table_with_ids_is_taken(client, registered, tmp_path, name, identifier):
    path, frame = tmp_path / name, FRAME.rename(columns={"assay.id": identifier})
    frame.to_parquet(path) if name.endswith("parquet") else frame.to_csv(path, index=False)
    answer = push(client("ci"), path)
    assert answer.status_code == 201
    assert answer.json()["kind"] == "recomputed-features"


@pytest.mark.parametrize(
    ("frame", "words"),
    [
        (FRAME.drop(columns="assay.id"), "no column of prediction ids; it is called assay.id or id"),
        (FRAME[["assay.id"]].assign(other=1), "holds none of the model's features"),
    ],
)
def test_a_table_that_says_nothing_is_refused(client, registered, tmp_path, frame, words):
    frame.to_parquet(tmp_path / "features.parquet")
    answer = push(client("ci"), tmp_path / "features.parquet")
    assert answer.status_code == 422
    assert words in answer.text
    assert client("ci").get(f"{VERSION}/evidence").json() == []


def test_what_is_no_table_or_too_large_is_refused(client, registered, tmp_path):
    path = tmp_path / "features.parquet"
    path.write_bytes(b"PAR1 nonsense")
    assert push(client("ci"), path).status_code == 422
    with path.open("r+b") as file:
        file.truncate(129 * 1024 * 1024)
    answer = push(client("ci"), path)
    assert "128 MB at most" in answer.text


def test_evidence_for_a_version_that_is_not_there_is_not_found(client, registered, tmp_path):
    FRAME.to_parquet(tmp_path / "features.parquet")
    body = {"kind": "recomputed-features", **upload(client("ci"), tmp_path / "features.parquet")}
    assert client("ci").post(f"{VERSION}9/evidence", json=body).status_code == 404
