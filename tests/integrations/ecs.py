"""Documents held against Elastic's published list of ECS fields, and against our index template for the rest."""

from __future__ import annotations

import ipaddress
import json
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from app.config import ROOT

ELASTIC = ROOT / "integrations" / "elastic"
FIELDS: dict[str, dict[str, Any]] = json.loads((ELASTIC / "ecs" / "fields-9.4.0.json").read_text())
TEMPLATE = json.loads((ELASTIC / "index-template.json").read_text())


def flat_mapping(properties: dict[str, Any], prefix: str = "") -> dict[str, str]:
    """Type by dotted name."""
    found = {}
    for name, one in properties.items():
        if "properties" in one:
            found |= flat_mapping(one["properties"], f"{prefix}{name}.")
        else:
            found[prefix + name] = one["type"]
    return found


MAPPING = flat_mapping(TEMPLATE["template"]["mappings"]["properties"])


def leaves(document: dict[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """(dotted name, value); what is mapped as one flattened field is one leaf."""
    for name, value in document.items():
        path = prefix + name
        if isinstance(value, dict) and MAPPING.get(path) != "flattened":
            yield from leaves(value, f"{path}.")
        else:
            yield path, value


def _is_date(value: Any) -> bool:
    try:
        return datetime.fromisoformat(value).tzinfo is not None
    except (TypeError, ValueError):
        return False


def _is_ip(value: Any) -> bool:
    try:
        return bool(ipaddress.ip_address(value))
    except ValueError:
        return False


TEXT = dict.fromkeys(
    ("keyword", "wildcard", "match_only_text", "constant_keyword"), lambda value: type(value) is str
)
FITS = {
    **TEXT,
    "long": lambda value: type(value) is int and -(2**63) <= value < 2**63,
    "date": _is_date,
    "ip": _is_ip,
    "flattened": lambda value: isinstance(value, dict),
}


def problems(document: dict[str, Any]) -> list[str]:
    """What is wrong with a document: unknown fields, wrong types, values that are not allowed, no version."""
    found = []
    told = dict(leaves(document))
    for name, value in told.items():
        ours = name.startswith("assay.")
        kind = MAPPING.get(name) if ours else FIELDS.get(name, {}).get("type")
        if kind is None:
            found.append(f"{name} is no field of {'the template' if ours else 'ECS'}")
            continue
        many = not ours and "array" in FIELDS[name].get("normalize", ())
        if many != isinstance(value, list):
            found.append(f"{name} is {'no' if many else 'a'} list")
            continue
        values = value if many else [value]
        found += [f"{name}: {one!r} is no {kind}" for one in values if not FITS[kind](one)]
        allowed = {} if ours else FIELDS[name].get("allowed_values", {})
        found += [f"{name}: {one!r} is not allowed" for one in values if allowed and one not in allowed]
    found += _unexpected_types(told)
    missing = {"@timestamp", "ecs.version"} - told.keys()
    return [*found, *(f"{name} is missing" for name in sorted(missing))]


def _unexpected_types(told: dict[str, Any]) -> list[str]:
    categories = FIELDS["event.category"]["allowed_values"]
    return [
        f"{kind!r} is no type of the category {category!r}"
        for category in told.get("event.category", ())
        for kind in told.get("event.type", ())
        if category in categories and kind not in categories[category]
    ]
