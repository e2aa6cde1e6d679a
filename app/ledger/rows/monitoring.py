"""Rows 35 to 41: what is watched, and by which tools."""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from urllib.parse import quote

from app.ledger.history import EndpointFact, History, ScheduleFact
from app.ledger.reading.words import Judged, Proof, lacking, met, unknown, worst
from app.ledger.rows.contract import Readings, Row, tested

GROUP = "Monitoring"
LATE = 2
"""Intervals after which a schedule that nobody followed is late."""
READ_WITHIN, MEASURED_WITHIN = timedelta(days=7), timedelta(days=30)
SCRAPE = "Let Prometheus scrape /metrics: integrations/prometheus/ has the configuration and the rules."
QUERY = "assay evidence collect prometheus --help"
SUBSCRIBE = "Subscribe somebody to schedule.missed: assay alerts subscribe"
EXPORT = "Ship it: assay audit-log export, or integrations/elastic/."


def regular_checks(read: Readings) -> Judged:
    history = read.history
    enabled = [one for one in history.schedules if one.enabled]
    if not enabled:
        return unknown(
            "no audit of this model is scheduled",
            "Give the manifest model.audit_cron, or: assay schedule set MODEL --cron '0 6 * * *'",
        )
    return worst([*(_regular(one, history) for one in enabled), _alarm(history)])


def _alarm(history: History) -> Judged:
    """Somebody is told of an audit that did not run."""
    if not history.listeners:
        return unknown("nobody is told when one does not run", SUBSCRIBE)
    names = ", ".join(one.name for one in history.listeners)
    since = max(one.since for one in history.listeners)
    return met(Proof(f"of a missed audit is told: {names}", since, "", "/alerts"))


def _regular(one: ScheduleFact, history: History) -> Judged:
    where = f" in {one.environment}" if one.environment else ""
    interval = timedelta(days=one.interval_days)
    late = history.as_of - (one.last_slot or one.since) > LATE * interval
    if late:
        return lacking(f"the scheduled audit{where} is late", "Does a worker run? assay worker")
    if one.last_slot is None:
        return unknown(f"the scheduled audit{where} was not due yet", "Wait for its first slot.")
    told = Proof(f"scheduled audit{where}: {one.outcome}", one.last_slot, "scheduler")
    if one.outcome in {"missed", "failed"} or one.missed:
        missed = f"{one.missed} missed in 30 days" if one.missed else f"the last one was {one.outcome}"
        return lacking(
            f"the scheduled audit{where}: {missed}", "Read the alert, then run it: assay schedule run", told
        )
    return met(told)


def read_lately(what: str, missing: str, remedy: str, read: Readings) -> Judged:
    """Whether somebody outside reads what the service offers to be read."""
    seen = [one for one in read.history.watchers if one.what == what]
    if not seen:
        return unknown(missing, remedy)
    newest = max(seen, key=lambda one: one.at)
    told = Proof(f"{what.replace('_', ' ')} read by {newest.actor}", newest.at)
    if read.history.as_of - newest.at > READ_WITHIN:
        return lacking(f"nobody has read the {what.replace('_', ' ')} for {READ_WITHIN.days} days", remedy, told)
    return met(told)


def prometheus(read: Readings) -> Judged:
    scraped = read_lately("metrics", "nobody has scraped /metrics", SCRAPE, read)
    found = [one for one in read.history.measurements if one.tool == "prometheus"]
    if not found:
        return worst((scraped, unknown("no PromQL came back as evidence", QUERY)))
    newest = max(found, key=lambda one: one.at)
    path = f"/api/v1/evidence/{newest.evidence_id}/content"
    told = Proof(f"{newest.name} = {newest.value:g} {newest.unit}".rstrip(), newest.at, "prometheus", path)
    if read.history.as_of - newest.at > MEASURED_WITHIN:
        return worst(
            (scraped, lacking(f"the newest measurement is over {MEASURED_WITHIN.days} days old", QUERY, told))
        )
    return worst((scraped, met(told)))


def uptime(read: Readings) -> Judged:
    found = read.history.endpoints
    if not found:
        return unknown("no endpoint of this model is probed", "assay uptime add MODEL --url https://...")
    return worst(_endpoint(one, read.model.name) for one in found)


def _endpoint(one: EndpointFact, model: str) -> Judged:
    where = f"{one.name} in {one.environment}"
    if one.probed_at is None or one.availability is None:
        return unknown(f"{where} was not probed in 30 days", "Does a worker run? assay worker")
    latency = f", p95 {1000 * one.p95:.0f} ms" if one.p95 is not None else ""
    text = f"{where}: available {100 * one.availability:.2f} % of 30 days{latency}"
    told = Proof(text, one.probed_at, "", f"/models/{quote(model)}/serving")
    if one.state == "unknown":
        return lacking(f"{where} is not probed any more", "Does a worker run? assay worker", told)
    return met(told)


ROWS = (
    Row(
        35,
        GROUP,
        "Checks run regularly, with an alarm when one did not",
        "an enabled schedule whose slots of 30 days were all followed, and who is told of a missed one",
        regular_checks,
    ),
    tested(36, GROUP, "Changes of dependencies over the whole pipeline notify somebody", "MON-1"),
    tested(37, GROUP, "Inputs keep to the schema in training and in serving", "DATA-1", "MON-2", "MON-3"),
    tested(38, GROUP, "The model still predicts as expected", "MON-7"),
    Row(
        39,
        GROUP,
        "Elasticsearch and Kibana: logs and audit events in ECS JSON, with a dashboard",
        "who exported the audit log in the last 7 days",
        partial(read_lately, "audit_log", "nobody has exported the audit log", EXPORT),
    ),
    Row(
        40,
        GROUP,
        "Prometheus: metrics are scraped, rules alert, PromQL is read as evidence",
        "who scraped /metrics in the last 7 days, and a measurement of 30 days",
        prometheus,
    ),
    Row(
        41,
        GROUP,
        "Uptime: the history of probes, availability and latency of endpoints",
        "probes of the model's endpoints in 30 days",
        uptime,
    ),
)
