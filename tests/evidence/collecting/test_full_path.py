"""Documents of one's own, handed in over HTTP and audited: INFRA-1 and what INFRA-3 makes of who hands in."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from tests.catalog.releases import upload

EVIDENCE = "/api/v1/models/tumour-malignancy/versions/1.0.0/evidence"


@pytest.fixture
def hand_in(client, tmp_path):
    """``hand_in(kind, document)``: over HTTP, as CI for the version's commit unless told otherwise."""

    def push(kind, document, role="ci", commit="3f2a91c"):
        http = client(role)
        path = tmp_path / f"{kind}.json"
        path.write_text(json.dumps(document))
        return http.post(EVIDENCE, json={"kind": kind, "commit": commit, **upload(http, path)})

    return push


def outcome(run, **changes):
    planted = {
        "run": run,
        "commit": "3f2a91c",
        "data": "d" * 64,
        "config": {"max_iter": 200, "seed": 7},
        "metrics": {"auc": 0.8},
        "predictions": {str(i): i / 100 for i in range(100)},
    }
    return {**planted, **changes}


class TestReproducibleTraining:
    def test_two_trainings_in_ci(self, registered, hand_in, finding):
        registered()
        assert finding("INFRA-1")["reason"] == "Missing: the outcomes of two trainings; there is none."
        assert hand_in("training-outcome", outcome("ci-1")).status_code == 201
        assert hand_in("training-outcome", outcome("ci-1", metrics={"auc": 0.81})).status_code == 201
        assert finding("INFRA-1")["reason"] == (
            "Missing: the outcomes of two trainings; there is one training (ci-1)."
        )
        assert hand_in("training-outcome", outcome("ci-2")).status_code == 201
        found = finding("INFRA-1")
        assert (found["verdict"], found["cap"]) == ("pass", None), found["reason"]
        assert found["inputs"].keys() >= {"training-outcome ci-1", "training-outcome ci-2"}

    def test_the_newest_two_of_one_kind_are_compared(self, registered, hand_in, finding):
        registered()
        hand_in("training-outcome", outcome("a-1"))
        hand_in("training-outcome", outcome("b-1", config={"max_iter": 300}))
        found = finding("INFRA-1")
        assert found["verdict"] == "inconclusive"
        assert "they differ in config.max_iter (300, 200); config.seed (None, 7)" in found["reason"]
        hand_in("training-outcome", outcome("a-2"))
        hand_in("training-outcome", outcome("c-1", data="e" * 64))
        assert finding("INFRA-1")["measured"]["runs"] == ["a-2", "a-1"]

    def test_one_of_two_handed_in_by_a_person_is_capped(self, registered, hand_in, finding):
        registered()
        hand_in("training-outcome", outcome("ci-1"))
        hand_in("training-outcome", outcome("mine"), role="owner")
        found = finding("INFRA-1")
        assert (found["verdict"], found["cap"]) == (
            "pass",
            "handed in by test-owner, who does not have the ci role",
        )

    def test_an_outcome_of_another_commit_is_refused(self, registered, hand_in):
        registered()
        answer = hand_in("training-outcome", outcome("ci-1", commit="abcdef1"), commit=None)
        assert answer.status_code == 409
        assert "abcdef1" in answer.text


def runs(**changes):
    finished = datetime.now(UTC) - timedelta(hours=1)
    run = {
        "id": "r1",
        "trigger": "unknown",
        "orchestrated": False,
        "state": "succeeded",
        "finished_at": finished.isoformat(),
        "stages": [{"name": "train", "state": "succeeded"}],
    }
    return {"source": {"tool": "make", "name": "all"}, "pipeline": "training", "runs": [{**run, **changes}]}


PIPELINE = {"name": "training", "stages": ["train"], "cadence_days": 7}


class TestPipelineIntegration:
    @pytest.mark.parametrize(
        ("changes", "role", "verdict"),
        [
            ({}, "ci", "pass"),
            ({}, "owner", "inconclusive"),
            ({"orchestrated": True}, "ci", "inconclusive"),
            ({"orchestrated": True, "trigger": "schedule"}, "ci", "pass"),
            ({"trigger": "manual"}, "ci", "fail"),
        ],
    )
    def test_who_ran_it_is_known_from_who_hands_it_in(self, registered, hand_in, finding, changes, role, verdict):
        registered(version__pipeline=PIPELINE)
        assert hand_in("pipeline-runs", runs(**changes), role).status_code == 201
        found = finding("INFRA-3")
        assert found["verdict"] == verdict, found["reason"]
        assert (found["cap"] is None) == (role == "ci")

    def test_without_any_run_it_names_how_to_collect_them(self, registered, finding):
        registered(version__pipeline=PIPELINE)
        found = finding("INFRA-3")
        assert found["verdict"] == "inconclusive"
        assert "assay evidence collect kfp, mlflow-runs or dvc" in found["remedy"]
