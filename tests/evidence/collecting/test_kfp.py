"""Kubeflow Pipelines: a planted server answers after the published schema (kubeflow.py)."""

from datetime import timedelta

import kfp_server_api as api
import pytest

from app.errors import Invalid
from app.evidence import pipeline_runs as form
from app.evidence.collecting import kfp as collector
from tests.evidence.collecting.kubeflow import NOW, kubeflow, run

__all__ = ["kubeflow"]


def collected(server, **options):
    with collector.connect(server.url) as reader:
        return collector.pipeline_runs(reader, "p-1", "training", **options)


def test_the_answers_are_those_of_the_published_schema(kubeflow):
    """The client that is generated from the schema reads from the same server what was planted."""
    server = kubeflow(run(1, recurring_run_id="daily"), run(2), run(3))
    with api.ApiClient(api.Configuration(host=server.url)) as client:
        service = api.RunServiceApi(client)
        assert service.run_service_get_run("r1").to_dict() == server.runs[0].to_dict()
        page = service.run_service_list_runs(page_size=2)
        assert [one.run_id for one in page.runs] == ["r1", "r2"]
        assert page.next_page_token == "2"


def test_runs_of_the_pipeline_are_read_page_by_page(kubeflow):
    server = kubeflow(
        run(1, recurring_run_id="daily"),
        run(2, pipeline="another"),
        run(3, "FAILED", tasks=(("extract", "SUCCEEDED"), ("train", "FAILED"))),
        run(4, "RUNNING", tasks=(("extract", "RUNNING"),)),
        run(5, "CANCELED", tasks=(("extract", "SKIPPED"), ("train", "RUNTIME_STATE_UNSPECIFIED"))),
    )
    document = collected(server, namespace="ml")
    assert (document.source.tool, document.pipeline) == ("kfp", "training")
    assert {one.id: (one.trigger, one.state) for one in document.runs} == {
        "r1": ("schedule", "succeeded"),
        "r3": ("unknown", "failed"),
        "r4": ("unknown", "running"),
        "r5": ("unknown", "failed"),
    }
    assert all(one.orchestrated for one in document.runs)
    first = document.runs[0]
    assert (first.started_at, first.finished_at) == (NOW - timedelta(hours=1), NOW - timedelta(minutes=20))
    assert document.runs[2].finished_at is None
    states = {one.id: {stage.name: stage.state for stage in one.stages} for one in document.runs}
    assert states["r1"] == {"root": "succeeded", "extract": "succeeded", "train": "succeeded"}
    assert states["r5"] == {"root": "failed", "extract": "skipped", "train": "unknown"}
    assert form.parse(document.written()) == document
    lists = [query for path, query, _ in server.asked if path.endswith("/runs")]
    assert [one.get("page_token") for one in lists] == [None, "2", "4"]
    assert all(one["sort_by"] == "created_at desc" and one["namespace"] == "ml" for one in lists)


def test_what_ci_started_it_says_itself(kubeflow):
    server = kubeflow(run(1), run(2, recurring_run_id="daily"))
    assert [one.trigger for one in collected(server, trigger="ci").runs] == ["ci", "schedule"]


def test_of_tasks_of_one_name_one_that_failed_is_told(kubeflow):
    tasks = (("train", "SUCCEEDED"), ("train", "FAILED"), ("train", "SUCCEEDED"))
    (only,) = collected(kubeflow(run(1, tasks=tasks))).runs
    assert {one.name: one.state for one in only.stages}["train"] == "failed"


def test_the_token_of_the_pipelines_client_is_sent(kubeflow, tmp_path, monkeypatch):
    server = kubeflow(run(1))
    (tmp_path / "token").write_text("secret\n")
    monkeypatch.setenv("KF_PIPELINES_SA_TOKEN_PATH", str(tmp_path / "token"))
    collected(server)
    assert {sent for _, _, sent in server.asked} == {"Bearer secret"}
    monkeypatch.setenv("KF_PIPELINES_SA_TOKEN_PATH", str(tmp_path / "gone"))
    with pytest.raises(Invalid, match=r"KF_PIPELINES_SA_TOKEN_PATH: .*gone: No such file"):
        collected(server)


def test_a_server_that_is_something_else_is_named(kubeflow):
    server = kubeflow()
    server.answer = lambda *_: None
    with pytest.raises(Invalid, match=r"/apis/v2beta1/runs answered 404: .*no run"):
        collected(server)


def test_from_the_answers_to_the_finding(kubeflow, pipeline, registered, finding):
    stages = ["extract", "train"]
    registered(version__pipeline={"name": "training", "stages": stages, "cadence_days": 1})
    server = kubeflow(run(1), run(3, recurring_run_id="daily"))
    arguments = (
        "evidence",
        "collect",
        "kfp",
        "--url",
        server.url,
        "--pipeline-id",
        "p-1",
        "--pipeline",
        "training",
    )
    push = ("--pipeline", "training", "--push", "--model", "tumour-malignancy", "--version", "1.0.0")
    assert pipeline(*arguments, *push)[0] == 0
    found = finding("INFRA-3")
    assert (found["verdict"], found["cap"]) == ("pass", None), found["reason"]
    assert "r3 went through extract, train, not started by hand (trigger: schedule)" in found["reason"]
    del server.runs[1]
    assert pipeline(*arguments, *push)[0] == 0
    found = finding("INFRA-3")
    assert found["verdict"] == "inconclusive"
    assert "nothing tells what started it" in found["reason"]
