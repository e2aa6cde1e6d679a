"""Kubeflow Pipelines' v2beta1 API, planted: what a local server answers is made of the published schema's classes.

No cluster is asked. ``kfp_server_api`` is generated from the schema: it makes the answers, and reads them, too.
"""

import json
import threading
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

import kfp_server_api as api
import pytest

WHOLE = (("extract", "SUCCEEDED"), ("train", "SUCCEEDED"))
NOW = datetime.now(UTC).replace(microsecond=0)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def run(number, state="SUCCEEDED", pipeline="p-1", tasks=WHOLE, **more):
    begun = NOW - timedelta(hours=number)
    details = [
        api.V2beta1PipelineTaskDetail(run_id=f"r{number}", task_id=f"t{i}", display_name=name, state=state)
        for i, (name, state) in enumerate((("root", state), *tasks))
    ]
    return api.V2beta1Run(
        run_id=f"r{number}",
        pipeline_version_reference=api.V2beta1PipelineVersionReference(pipeline_id=pipeline),
        created_at=begun,
        finished_at=EPOCH if state == "RUNNING" else begun + timedelta(minutes=40),
        state=state,
        run_details=api.V2beta1RunDetails(task_details=details),
        **more,
    )


def recurring(name, pipeline="p-1", cron="0 2 * * *", **more):
    return api.V2beta1RecurringRun(
        recurring_run_id=name,
        display_name=name,
        pipeline_version_reference=api.V2beta1PipelineVersionReference(pipeline_id=pipeline),
        trigger=api.V2beta1Trigger(cron_schedule=api.V2beta1CronSchedule(cron=cron)),
        status="ENABLED",
        created_at=NOW - timedelta(days=30),
        updated_at=NOW - timedelta(days=30),
        **more,
    )


class Kubeflow(ThreadingHTTPServer):
    """Answers ListRuns (newest first, two a page, without details), GetRun and ListRecurringRuns."""

    def __init__(self, runs, recurring_runs=()):
        self.runs, self.recurring_runs, self.asked = runs, list(recurring_runs), []
        super().__init__(("127.0.0.1", 0), Handler)

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_port}"

    def answer(self, path, query):
        if path == "/apis/v2beta1/runs":
            start = int(query.get("page_token", "0"))
            page = [without_details(one) for one in self.runs[start : start + 2]]
            more = str(start + 2) if start + 2 < len(self.runs) else ""
            return api.V2beta1ListRunsResponse(runs=page, total_size=len(self.runs), next_page_token=more)
        if path == "/apis/v2beta1/recurringruns":
            return api.V2beta1ListRecurringRunsResponse(recurring_runs=self.recurring_runs)
        return next((one for one in self.runs if path == f"/apis/v2beta1/runs/{one.run_id}"), None)


def without_details(run):
    return api.V2beta1Run(**{**{key: getattr(run, key) for key in run.openapi_types}, "run_details": None})


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        url = urlsplit(self.path)
        query = {key: values[0] for key, values in parse_qs(url.query).items()}
        self.server.asked.append((url.path, query, self.headers.get("Authorization")))
        found = self.server.answer(url.path, query)
        content = json.dumps(api.ApiClient().sanitize_for_serialization(found) if found else {"message": "no run"})
        self.send_response(200 if found else 404)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content.encode())

    def log_message(self, *arguments):
        pass


@pytest.fixture
def kubeflow():
    """``kubeflow(run(1), ..., recurring_runs=[...])``: a server that has these."""
    started = []

    def start(*runs, recurring_runs=()):
        server = Kubeflow(list(runs), recurring_runs)
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        started.append((server, thread))
        return server

    yield start
    for server, thread in started:
        server.shutdown()
        thread.join()
        server.server_close()
