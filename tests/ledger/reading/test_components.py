"""The seven components: probed, at work, down, silent; and what the metadata store holds of every run."""

import pytest

from app.ledger.reading import components, metadata, within
from app.ledger.reading.components import KINDS
from tests.ledger.reading.planted import (
    FORM,
    LEVEL_1,
    NOW,
    PIPELINE,
    ago,
    ci_run,
    commit,
    component,
    deployment,
    history,
    run,
    version,
)

V = version()


def read(*told, **more):
    return {one.kind: one for one in components.of_pipeline(history(*told, **more), PIPELINE)}


def statuses(*told, **more):
    return {kind: one.judged.status.value for kind, one in read(*told, **more).items()}


def test_nothing_told_is_unknown():
    found = read()
    assert list(found) == list(KINDS)
    assert {one.judged.status.value for one in found.values()} == {"unknown"}
    assert {one.reachable for one in found.values()} == {None}
    assert all("assay ledger probe" in one.judged.remedy for one in found.values() if one.kind == "feature_store")


def test_seven_components_at_work():
    told = [commit(), ci_run(), component("feature_store"), *LEVEL_1]
    found = read(*told, versions=(V,), deployments=(deployment(V),))
    assert {kind: one.judged.status.value for kind, one in found.items()} == dict.fromkeys(KINDS, "met")
    assert all(one.judged.proofs and one.last_evidence_at for one in found.values())


ALONE = [
    ("source_control", [commit()], {"versions": (V,)}),
    ("test_and_build", [ci_run()], {}),
    ("deployment_services", [], {"versions": (V,), "deployments": (deployment(V),)}),
    ("model_registry", [], {"versions": (V,)}),
    ("metadata_store", [run(orchestrated=False)], {}),
    ("orchestrator", [run(parameters=None, metrics=None)], {}),
]


@pytest.mark.parametrize(("kind", "told", "more"), ALONE)
def test_activity_proves_a_component_and_only_that_one(kind, told, more):
    found = statuses(*told, **more)
    assert found[kind] == "met"
    others = {"model_registry", "deployment_services"} if more else {"metadata_store"} & {kind}
    assert {name for name, status in found.items() if status == "met"} - others - {kind} == set()


class TestProbes:
    @pytest.mark.parametrize(("days", "status"), [(7.0, "met"), (7.01, "unknown")])
    def test_a_probe_proves_it_for_a_week(self, days, status):
        found = read(component("feature_store", days))["feature_store"]
        assert (found.judged.status, found.reachable, found.version) == (status, True, "1.0")

    def test_one_that_did_not_answer_is_missing_and_says_why(self):
        found = read(component("feature_store", reachable=False, detail="connection refused"))["feature_store"]
        assert (found.judged.status, found.reachable) == ("missing", False)
        assert "connection refused" in found.judged.missing

    def test_the_newest_probe_counts(self):
        down, up = component("feature_store", 2, reachable=False), component("feature_store", 1)
        assert statuses(down, up)["feature_store"] == "met"
        up, down = component("feature_store", 2), component("feature_store", 1, reachable=False)
        assert statuses(down, up)["feature_store"] == "missing"

    def test_of_two_the_one_that_is_down_counts(self):
        down = component("feature_store", 2, id="two", name="online", reachable=False)
        assert statuses(component("feature_store", 1), down)["feature_store"] == "missing"

    def test_what_it_did_after_the_probe_proves_that_it_is_up_again(self):
        down = component("test_and_build", 2, reachable=False)
        assert statuses(down, ci_run(days=1))["test_and_build"] == "met"
        assert statuses(down, ci_run(days=3))["test_and_build"] == "missing"

    def test_last_activity_is_what_the_component_itself_did(self):
        found = read(component("feature_store", 1, last_activity_at=ago(4)))["feature_store"]
        assert (found.last_activity_at.isoformat(), found.last_evidence_at.isoformat()) == (ago(4), ago(1))


@pytest.mark.parametrize(("days", "status"), [(30.0, "met"), (30.1, "unknown")])
def test_activity_counts_for_thirty_days(days, status):
    found = read(ci_run(days=days))["test_and_build"]
    assert found.judged.status == status
    slow = FORM.model_copy(update={"cadence_days": 30.0})
    assert statuses(ci_run(days=60), form=slow)["test_and_build"] == "met"


def test_names_are_those_declared_and_probed():
    form = FORM.model_validate(FORM.model_dump() | {"components": [{"kind": "orchestrator", "name": "Kubeflow"}]})
    found = read(component("orchestrator", name="Airflow"), form=form)["orchestrator"]
    assert found.names == ("Kubeflow", "Airflow")


def test_source_control_of_code_alone_is_not_enough():
    found = read(commit())["source_control"].judged
    assert found.status == "unknown"
    assert found.missing == "no digest of data is known; no digest of model artifacts is known"
    no_artifact = version(artifact_digest=None)
    assert "model artifacts" in read(commit(), versions=(no_artifact,))["source_control"].judged.missing


class TestMetadata:
    @pytest.mark.parametrize(
        ("field", "name"),
        [
            ("model", "model name"),
            ("parameters", "parameters"),
            ("data_digest", "training data"),
            ("evaluation_digest", "test data"),
            ("metrics", "metric results"),
        ],
    )
    def test_each_of_five(self, field, name):
        known = history(run("one", 2), run("two", 1, **{field: None}))
        found = metadata.read(within.of_pipeline(known, PIPELINE))
        assert (found.runs, found.complete) == (2, 1)
        assert [(one.run, one.missing) for one in found.incomplete] == [("two", (name,))]
        assert found.judged.status == "missing"
        assert components.of_pipeline(known, PIPELINE)[5].judged.status == "missing"

    def test_runs_that_failed_need_no_results(self):
        found = metadata.read(history(run("one", 2), run("two", 1, state="failed", metrics=None)))
        assert (found.runs, found.judged.status) == (1, "met")

    def test_many_incomplete_runs_are_counted_and_the_newest_listed(self):
        found = metadata.read(history(*(run(f"run-{i:02}", 1 + i, metrics=None) for i in range(25))))
        assert (len(found.incomplete), found.incomplete[0].run) == (20, "run-00")
        assert "24 more" in found.judged.missing


@pytest.mark.parametrize("seed", range(5))
def test_the_order_in_which_events_were_told_does_not_matter(seed):
    told = [
        commit(),
        ci_run(),
        *LEVEL_1,
        component("feature_store", 2, reachable=False),
        component("feature_store"),
    ]
    assert read(*told, shuffle=seed) == read(*told)
    assert NOW.isoformat() > told[0]["at"]
