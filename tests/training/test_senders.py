"""Kubeflow and GitHub, by local servers that read and answer as their published schemas say."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace
from urllib.parse import parse_qs, urlsplit

import kfp_server_api as api
import pytest

from app.errors import Invalid
from tests.training.conftest import MODEL, PIPELINE, WHERE


class Server(ThreadingHTTPServer):
    """``answers`` (method, path, query, body) -> (status, JSON or text); what was asked is kept."""

    def __init__(self, answers):
        self.answers, self.asked = answers, []
        super().__init__(("127.0.0.1", 0), Handler)

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_port}"


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        self.do_POST()

    def do_POST(self):
        url = urlsplit(self.path)
        query = {key: values[0] for key, values in parse_qs(url.query).items()}
        content = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        body = json.loads(content) if content else None
        self.server.asked.append((self.command, url.path, query, body, dict(self.headers)))
        status, found = self.server.answers(self.command, url.path, query, body)
        told = (
            found.encode() if isinstance(found, str) else json.dumps(found).encode() if found is not None else b""
        )
        self.send_response(status)
        self.send_header("Content-Length", str(len(told)))
        self.end_headers()
        self.wfile.write(told)

    def log_message(self, *arguments):
        pass


@pytest.fixture
def serve():
    """``serve(answers)``: a server on loopback."""
    started = []

    def start(answers):
        server = Server(answers)
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        started.append((server, thread))
        return server

    yield start
    for server, thread in started:
        server.shutdown()
        thread.join()
        server.server_close()


class Kubeflow:
    """CreateRun and ListRuns of v2beta1, read and written by the client that is generated from the schema."""

    def __init__(self):
        self.runs: list[api.V2beta1Run] = []
        self.lose_answers = 0

    def __call__(self, method, path, query, body):
        assert path == "/apis/v2beta1/runs"
        if method == "GET":
            return 200, self._list(query)
        run = read(body, "V2beta1Run")
        assert set(body) <= set(api.V2beta1Run.attribute_map.values())
        run.run_id, run.state = f"r{len(self.runs) + 1}", "PENDING"
        self.runs.append(run)
        if self.lose_answers:
            self.lose_answers -= 1
            return 504, "gateway timeout"
        return 200, written(run)

    def _list(self, query):
        asked = read(json.loads(query["filter"]), "V2beta1Filter")
        (only,) = asked.predicates
        assert (only.operation, only.key) == (api.V2beta1PredicateOperation.EQUALS, "display_name")
        found = [run for run in self.runs if run.display_name == only.string_value]
        return written(api.V2beta1ListRunsResponse(runs=found)) if found else {}


def read(body, kind):
    return api.ApiClient().deserialize(SimpleNamespace(data=json.dumps(body)), kind)


def written(found):
    return api.ApiClient().sanitize_for_serialization(found)


def kfp(server, **more):
    return {"kind": "kfp", "url": f"{server.url}/", "pipeline_id": "p-1"} | more


def test_a_run_of_kubeflow_is_made(serve, trainer, find, work_on, requests):
    kubeflow = Kubeflow()
    server = serve(kubeflow)
    target = kfp(
        server,
        pipeline_version_id="v-2",
        experiment_id="e-3",
        parameters={"rows": 1000, "deep": True},
        request_parameter="assay_request",
        service_account="trainer",
    )
    trainer(target=target, token="kf-token")
    find({"MON-7": "fail"})
    work_on()
    (row,), (run,) = requests(), kubeflow.runs
    assert (row.status, row.run, row.answer["status"]) == ("sent", "r1", 200)
    assert run.pipeline_version_reference.to_dict() == {"pipeline_id": "p-1", "pipeline_version_id": "v-2"}
    assert run.runtime_config.parameters == {"rows": 1000, "deep": True, "assay_request": row.key}
    assert (run.experiment_id, run.service_account) == ("e-3", "trainer")
    assert run.display_name == f"assay-{row.key}"
    assert "MON-7" in run.description
    assert server.asked[0][4]["Authorization"] == "Bearer kf-token"


def test_a_run_whose_answer_was_lost_is_not_made_again(serve, trainer, find, work_on, requests, make_due):
    kubeflow = Kubeflow()
    kubeflow.lose_answers = 1
    trainer(target=kfp(serve(kubeflow)))
    find({"MON-7": "fail"})
    work_on()
    assert (requests()[0].status, requests()[0].reason) == (
        "pending",
        "the receiver answered 504: gateway timeout",
    )
    make_due()
    work_on()
    assert (requests()[0].status, requests()[0].run, len(kubeflow.runs)) == ("sent", "r1", 1)


def test_a_run_that_was_never_made_is_made_at_the_second_attempt(serve, trainer, find, work_on, requests, make_due):
    kubeflow, times = Kubeflow(), []

    def answers(*asked):
        times.append(asked)
        return (500, {"message": "no"}) if len(times) == 1 else kubeflow(*asked)

    trainer(target=kfp(serve(answers)))
    find({"MON-7": "fail"})
    work_on()
    make_due()
    work_on()
    assert [asked[0] for asked in times] == ["POST", "GET", "POST"]
    assert (requests()[0].status, requests()[0].run) == ("sent", "r1")


@pytest.mark.parametrize("garbage", ["<html>Sign in</html>", "[]", ""])
def test_what_is_not_kubeflow_is_not_taken_for_it(serve, trainer, find, work_on, requests, garbage):
    trainer(target=kfp(serve(lambda *_: (200, garbage))))
    find({"MON-7": "fail"})
    work_on()
    (row,) = requests()
    assert (row.status, row.run) == ("pending", None)
    assert "it is not the Kubeflow API" in row.reason


def github(server, **more):
    return {"kind": "github", "url": server.url, "repository": "bank/credit"} | more


def test_a_workflow_of_github_is_dispatched(serve, trainer, find, work_on, requests):
    """The schema: POST .../actions/workflows/{id}/dispatches {ref, inputs} -> 204; inputs are strings."""
    server = serve(lambda *_: (204, None))
    trainer(target=github(server, workflow="train.yml", ref="release"), token="ghs_x")
    find({"MON-7": "fail"})
    work_on()
    (row,) = requests()
    ((method, path, _, body, headers),) = server.asked
    assert (method, path) == ("POST", "/repos/bank/credit/actions/workflows/train.yml/dispatches")
    inputs = {"assay_request": row.key, "assay_cause": "degradation", "assay_model": MODEL}
    assert body == {"ref": "release", "inputs": inputs | {"assay_environment": WHERE}}
    assert headers["Authorization"] == "Bearer ghs_x"
    assert (headers["Accept"], headers["X-GitHub-Api-Version"]) == ("application/vnd.github+json", "2022-11-28")
    assert (row.status, row.answer["status"]) == ("sent", 204)


def test_a_repository_of_github_is_dispatched(serve, trainer, find, work_on):
    """The schema: POST .../dispatches {event_type, client_payload of ten keys at most} -> 204."""
    server = serve(lambda *_: (204, None))
    trainer(target=github(server), token="ghs_x")
    find({"MON-7": "fail"})
    work_on()
    ((_, path, _, body, _),) = server.asked
    assert path == "/repos/bank/credit/dispatches"
    assert (body["event_type"], set(body["client_payload"])) == ("assay-training", {"assay"})
    assert body["client_payload"]["assay"]["pipeline"] == PIPELINE


def test_a_workflow_that_lacks_the_inputs_is_named(serve, trainer, find, work_on, requests):
    told = {"message": "Unexpected inputs provided", "documentation_url": "https://docs.github.com"}
    trainer(target=github(serve(lambda *_: (422, told)), workflow="train.yml"), token="ghs_x")
    find({"MON-7": "fail"})
    work_on()
    assert "422" in requests()[0].reason
    assert "Unexpected inputs provided" in requests()[0].reason


def test_github_needs_a_token(serve, trainer):
    with pytest.raises(Invalid, match="GitHub asks for a token"):
        trainer(target=github(serve(lambda *_: (204, None))))


def test_a_token_goes_to_the_address_that_it_was_given_for_alone(serve, trainer, find, work_on, database):
    first, second = serve(lambda *_: (204, None)), serve(lambda *_: (204, None))
    trainer(target=github(first), token="ghs_x")
    trainer(target=github(first), cool_down_hours=1)
    with pytest.raises(Invalid, match="GitHub asks for a token"):
        trainer(target=github(second))
    find({"MON-7": "fail"})
    work_on()
    assert first.asked[0][4]["Authorization"] == "Bearer ghs_x"
    assert second.asked == []
