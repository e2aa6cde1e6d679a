"""Writes dashboard.ndjson, Kibana's saved objects: ``python integrations/elastic/make_dashboard.py``.

Visualizations are aggregation-based; objects carry the versions of Kibana 8.8, which later ones migrate on import.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

TARGET = Path(__file__).with_name("dashboard.ndjson")
DATA_VIEW, DASHBOARD = "assay-logs", "assay-overview"
INDEX = "kibanaSavedObjectMeta.searchSourceJSON.index"

ACCESS = 'event.dataset: "assay.access"'
AUDIT = 'event.dataset: "assay.audit"'
SERVING = f"{AUDIT} and event.action: (deployment.* or decision.*)"
TROUBLE = "log.level: (warning or error or critical)"

Object = dict[str, Any]


def saved(kind: str, key: str, attributes: Object, references: list[Object]) -> Object:
    version = {"coreMigrationVersion": "8.8.0", "typeMigrationVersion": "8.0.0"}
    return {"type": kind, "id": key, "attributes": attributes, "references": references, **version}


def over_data_view(kind: str, key: str, title: str, query: str, attributes: Object) -> Object:
    """An object that asks the data view by a query in KQL."""
    source = {"query": {"language": "kuery", "query": query}, "filter": [], "indexRefName": INDEX}
    common = {"title": title, "description": "", "kibanaSavedObjectMeta": {"searchSourceJSON": json.dumps(source)}}
    return saved(kind, key, {**common, **attributes}, [{"type": "index-pattern", "id": DATA_VIEW, "name": INDEX}])


def aggregation(number: int, kind: str, schema: str, **params: Any) -> Object:
    return {"id": str(number), "enabled": True, "type": kind, "schema": schema, "params": params}


def terms(number: int, schema: str, field: str, size: int = 10) -> Object:
    return aggregation(number, "terms", schema, field=field, size=size, order="desc", orderBy="1")


def visualization(
    key: str, title: str, query: str, kind: str, aggregations: list[Object], params: Object
) -> Object:
    state = {"title": title, "type": kind, "aggs": aggregations, "params": params}
    attributes = {"visState": json.dumps(state), "uiStateJSON": "{}", "version": 1}
    return over_data_view("visualization", key, title, query, attributes)


def over_time(
    key: str, title: str, query: str, metric: Object, *split: Object, kind: str = "histogram", unit: str = "events"
) -> Object:
    """Bars or lines over time."""
    axis = {"show": True, "scale": {"type": "linear"}, "labels": {"show": True}}
    series = {
        "type": kind,
        "mode": "stacked" if kind == "histogram" else "normal",
        "data": {"id": "1", "label": unit},
        "valueAxis": "ValueAxis-1",
        "show": True,
    }
    params = {
        "type": kind,
        "addLegend": True,
        "addTooltip": True,
        "legendPosition": "right",
        "categoryAxes": [{"id": "CategoryAxis-1", "type": "category", "position": "bottom", **axis}],
        "valueAxes": [
            {
                "id": "ValueAxis-1",
                "name": "LeftAxis-1",
                "type": "value",
                "position": "left",
                **axis,
                "title": {"text": unit},
            }
        ],
        "seriesParams": [series],
    }
    times = aggregation(2, "date_histogram", "segment", field="@timestamp", interval="auto", min_doc_count=1)
    return visualization(key, title, query, kind, [metric, times, *split], params)


def table(key: str, title: str, query: str, *fields: str) -> Object:
    buckets = [terms(number, "bucket", field, 20) for number, field in enumerate(fields, 2)]
    params = {"perPage": 10, "showTotal": False, "showMetricsAtAllLevels": False, "showPartialRows": False}
    return visualization(key, title, query, "table", [COUNT, *buckets], params)


def search(key: str, title: str, query: str, *columns: str) -> Object:
    attributes = {"columns": list(columns), "sort": [["@timestamp", "desc"]]}
    return over_data_view("search", key, title, query, attributes)


COUNT = aggregation(1, "count", "metric")
PANELS = (
    over_time(
        "assay-requests", "Requests by status", ACCESS, COUNT, terms(3, "group", "http.response.status_code")
    ),
    over_time(
        "assay-answer-times",
        "Time to answer",
        ACCESS,
        aggregation(1, "percentiles", "metric", field="event.duration", percents=[50, 95, 99]),
        kind="line",
        unit="nanoseconds",
    ),
    over_time("assay-changes", "Changes by action", AUDIT, COUNT, terms(3, "group", "event.action")),
    table("assay-actors", "Who changes what", AUDIT, "user.name", "assay.subject.type", "event.action"),
    search(
        "assay-serving",
        "Deployments and decisions",
        SERVING,
        "user.name",
        "event.action",
        "assay.subject.id",
        "message",
    ),
    search(
        "assay-trouble",
        "Warnings and errors",
        TROUBLE,
        "log.level",
        "message",
        "error.type",
        "assay.audit.id",
        "log.logger",
    ),
)
WIDTH, HEIGHT, COLUMNS = 24, 14, 2


def dashboard() -> Object:
    """The panels from left to right, two in a row."""
    panels = [
        {
            "version": "8.8.0",
            "type": panel["type"],
            "panelIndex": str(i),
            "panelRefName": f"panel_{i}",
            "gridData": {
                "x": i % COLUMNS * WIDTH,
                "y": i // COLUMNS * HEIGHT,
                "w": WIDTH,
                "h": HEIGHT,
                "i": str(i),
            },
            "embeddableConfig": {"enhancements": {}},
        }
        for i, panel in enumerate(PANELS)
    ]
    attributes = {
        "title": "Assay",
        "description": "Requests, changes and trouble of the audit service.",
        "panelsJSON": json.dumps(panels),
        "optionsJSON": json.dumps({"useMargins": True, "hidePanelTitles": False}),
        "timeRestore": True,
        "timeFrom": "now-7d",
        "timeTo": "now",
        "version": 1,
        "kibanaSavedObjectMeta": {
            "searchSourceJSON": json.dumps({"query": {"language": "kuery", "query": ""}, "filter": []})
        },
    }
    references = [
        {"type": panel["type"], "id": panel["id"], "name": f"panel_{i}"} for i, panel in enumerate(PANELS)
    ]
    return saved("dashboard", DASHBOARD, attributes, references)


def lines() -> str:
    view = {"title": "logs-assay.*-*", "name": "Assay", "timeFieldName": "@timestamp", "allowNoIndex": True}
    objects = [saved("index-pattern", DATA_VIEW, view, []), *PANELS, dashboard()]
    return "".join(json.dumps(one, sort_keys=True) + "\n" for one in objects)


if __name__ == "__main__":
    TARGET.write_text(lines())
    print(TARGET)
