"""Sends requests that nobody would to every operation of the API and says what broke.

``python -m tests.security.api_fuzz --examples 10000 [--seed 28]``; exit code 1 when an answer was a 5xx, was
not what the OpenAPI document promises, or the service grew by more than 200 MB. Schemathesis makes the requests,
half of them valid by the document and half not, the same ones for the same seed. In most of them names and ids are
replaced by those of things that are there: what lies behind the first "not found" is to be reached.
"""

from __future__ import annotations

import argparse
import random
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.core.failures import FailureGroup
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from app.client import Assay
from tests.catalog.releases import with_skops

MEMORY_GROWTH_MB = 200
SEED = 28
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
KNOWN_OFTEN = 0.7
"""The share of names and ids that are replaced by known ones."""
COOKIES = 0.05
"""The share of requests that keep a made-up session: such a one is refused as coming from another site."""
TIMEOUT = 30
SERVED, PIPELINE = "tumour-served", "credit-default-training"


@dataclass
class Report:
    """What became of the requests.

    ``reached``: operations that carried out at least one. ``broken``: by operation and kind of failure, the first
    request that showed it.
    """

    answers: Counter[int] = field(default_factory=Counter)
    operations: Counter[str] = field(default_factory=Counter)
    reached: set[str] = field(default_factory=set)
    broken: dict[str, str] = field(default_factory=dict)
    growth_mb: float = 0.0

    @property
    def count(self) -> int:
        return self.answers.total()

    @property
    def sound(self) -> bool:
        return not self.broken and self.growth_mb <= MEMORY_GROWTH_MB

    def __str__(self) -> str:
        answers = ", ".join(f"{count} x {status}" for status, count in sorted(self.answers.items()))
        return (
            f"{self.count} requests to {len(self.operations)} operations, carried out by {len(self.reached)}: "
            f" {answers}; memory grew by {self.growth_mb:.0f} MB; {len(self.broken)} broken"
        )


class Fuzz:
    """Against a service at ``url``, with an administrator's ``token``; ``known`` values by name of a parameter."""

    def __init__(self, url: str, token: str, known: Mapping[str, list[Any]], seed: int = SEED) -> None:
        self.url = url
        self.session = requests.Session()
        self.session.headers["Authorization"] = f"Bearer {token}"
        self.known = known
        self.seed = seed
        self.chance = random.Random(seed)
        self.report = Report()
        document = self.session.get(f"{url}/api/v1/openapi.json", timeout=TIMEOUT).json()
        schema = schemathesis.openapi.from_dict(document)
        self.operations = [found.ok() for found in schema.get_all_operations()]

    def run(self, examples: int) -> Report:
        each = -(-examples // len(self.operations))
        for operation in self.operations:
            takes_something = bool(operation.body or list(operation.iter_parameters()))
            for mode in GenerationMode if takes_something else [GenerationMode.POSITIVE]:
                self._try(operation, mode, -(-each // 2))
        return self.report

    def _try(self, operation: Any, mode: GenerationMode, examples: int) -> None:
        @seed(self.seed)
        @settings(
            max_examples=examples,
            phases=[Phase.generate],
            database=None,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        )
        @given(operation.as_strategy(generation_mode=mode))
        def one(case: Any) -> None:
            self._ask(case)

        try:
            one()
        except Exception as error:  # noqa: BLE001 - an operation that no request can be made for is a finding too
            self.report.broken.setdefault(
                f"{operation.label}: no request", f"{type(error).__name__}: {error}"[:2000]
            )

    def _ask(self, case: Any) -> None:
        for values in (case.path_parameters, case.query, case.body):
            self._name_known(values)
        if self.chance.random() > COOKIES:
            case.cookies.clear()
        label = case.operation.label
        try:
            answer = case.call(base_url=self.url, session=self.session, timeout=TIMEOUT)
        except requests.RequestException as error:
            self.report.answers[0] += 1
            self.report.broken.setdefault(f"{label}: no answer", f"{error}\n{self._curl(case)}")
            return
        self.report.answers[answer.status_code] += 1
        self.report.operations[label] += 1
        if answer.status_code < 400:
            self.report.reached.add(label)
        try:
            case.validate_response(answer, checks=CHECKS)
        except FailureGroup as group:
            for failure in group.exceptions:
                kind = f"{label}: {type(failure).__name__} at {answer.status_code}"
                told = f"{failure}\n{answer.text[:500]}\n{self._curl(case)}"
                self.report.broken.setdefault(kind, told[:3000])

    def _name_known(self, values: Any) -> None:
        if not isinstance(values, dict):
            return
        for name in values:
            if name in self.known and self.chance.random() < KNOWN_OFTEN:
                values[name] = self.chance.choice(self.known[name])

    def _curl(self, case: Any) -> str:
        return str(case.as_curl_command(base_url=self.url))


# --- a service with something in it ---------------------------------------------------------------


def furnish(url: str, token: str) -> dict[str, list[Any]]:
    """Send every example of the OpenAPI document once, then collect the names and ids of what is there."""
    session = requests.Session()
    session.headers["Authorization"] = f"Bearer {token}"
    document = session.get(f"{url}/api/v1/openapi.json", timeout=TIMEOUT).json()
    _serve(url, token)
    known: dict[str, list[Any]] = {
        "model": ["credit-default", SERVED, "tumour-malignancy"],
        "version": ["1.0.0", "1.1.0", "2.3.0"],
        "environment": ["production", "staging"],
        "pipeline": [PIPELINE],
        "prediction_id": ["p1"],
    }
    for path, method, body in examples(document):
        filled = path.format_map({**dict.fromkeys(_names(path), "1"), **_first(known)})
        session.request(method, url + filled, json=body, timeout=TIMEOUT)
    for path, operations in document["paths"].items():
        if "get" in operations and "{" not in path:
            _learn(known, path, session.get(url + path, timeout=TIMEOUT))
    return known


def _serve(url: str, token: str) -> None:
    """A pipeline, and a version that was let in by break-glass, answers and was labelled."""
    with Assay(url, token) as assay, TemporaryDirectory() as folder:
        assay.register_pipeline(
            {
                "name": PIPELINE,
                "owner": "ml@example.com",
                "models": [SERVED],
                "stages": [{"name": "train", "role": "training"}],
            }
        )
        made, files = with_skops(Path(folder), model__name=SERVED)
        assay.register(made, files)
        for environment in ("production", "staging"):
            assay.deploy(SERVED, "1.0.0", environment=environment, reason="to be fuzzed", break_glass=True)
        tensor = {"name": "x", "shape": [1, 2], "datatype": "FP64", "data": [1.0, 2.0]}
        assay.infer(SERVED, {"id": "p1", "inputs": [tensor]}, environment="production")
        assay.push_labels(SERVED, [{"id": "p1", "label": 1}])


def examples(document: dict[str, Any]) -> Iterator[tuple[str, str, Any]]:
    schemas = document["components"]["schemas"]
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            content = operation.get("requestBody", {}).get("content", {}).get("application/json", {})
            schema = content.get("schema", {})
            schema = schemas.get(schema.get("$ref", "").rpartition("/")[2], schema)
            for example in schema.get("examples", [content["example"]] if "example" in content else []):
                yield path, method, example


def _names(path: str) -> list[str]:
    return [part.partition("}")[0] for part in path.split("{")[1:]]


def _first(known: Mapping[str, list[Any]]) -> dict[str, Any]:
    return {name: values[0] for name, values in known.items()}


IDS = {
    "audits": ("id", "audit_id"),
    "schedules": ("id", "schedule_id"),
    "evaluations": ("id", "decision_id"),
    "deployments": ("id", "deployment_id"),
    "alerts": ("id", "alert_id"),
    "alert-deliveries": ("id", "delivery_id"),
    "subscriptions": ("id", "subscription_id"),
    "training-requests": ("id", "request_id"),
    "connections": ("name", "name"),
    "policies": ("name", "name"),
    "pipelines": ("name", "pipeline"),
}
"""By the last part of a list's path: the key of an item, and the parameter that takes it."""


def _learn(known: dict[str, list[Any]], path: str, answer: requests.Response) -> None:
    key, parameter = IDS.get(path.rpartition("/")[2], ("", ""))
    if not key or not answer.ok:
        return
    found = answer.json()
    items = found if isinstance(found, list) else found["items"]
    values = [item[key] for item in items if key in item]
    if values:
        known.setdefault(parameter, []).extend(values)


def main() -> int:
    parser = argparse.ArgumentParser(prog="api_fuzz", description=__doc__)
    parser.add_argument("--examples", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=SEED)
    given_arguments = parser.parse_args()
    from tests.security.furnished import furnished

    with furnished() as service:
        fuzz = Fuzz(service.url, service.token, furnish(service.url, service.token), given_arguments.seed)
        before = service.memory_mb()
        report = fuzz.run(given_arguments.examples)
        report.growth_mb = service.memory_mb() - before
    sys.stdout.write(f"{report}\n" + "".join(f"\n== {kind}\n{told}\n" for kind, told in report.broken.items()))
    return 0 if report.sound else 1


if __name__ == "__main__":
    sys.exit(main())
