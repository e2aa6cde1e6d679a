"""DATA-4: the signature against what the organisation bans, and against proxies of what it bans."""

from __future__ import annotations

from collections.abc import Sequence
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any, ClassVar

from checks.contract import SEED, Check, Exhibit, Judgement, Measured, Measurement, Thresholds, Verdict
from checks.evidence import Declaration, OrganisationPolicy, TrainingData
from checks.methods.association import associate, encode
from checks.methods.metrics import corrected_lower_bounds

if TYPE_CHECKING:
    import pandas as pd

MOST_ROWS = 10_000
MOST_TOLD = 5
KINDS = {
    "banned": "banned by name",
    "deprecated": "deprecated",
    "source": "from a banned source",
    "role": "the label, id or time column itself",
}


class MetaRequirements(Check):
    """Features adhere to meta-level requirements.

    Asked: the features keep to the requirements laid on the project from above: no feature that may not be used,
    none that is deprecated, none from a source that is out of bounds.

    Measured: each feature of the signature against the organisation's banned and deprecated names and banned
    sources (case does not matter; ``*_ssn`` bans every name that ends so), and against the version's own label,
    id and time columns. Then each feature against each banned column that is in the training data without being
    a feature, because a proxy for it is as bad: their association, from 0 to 1, on at most 10,000 rows.

    Formula: absolute Pearson correlation (number with number), correlation ratio with Kelley's correction
    (category with number), Cramer's V with Bergsma's correction (category with category). Undeclared columns of
    at most 20 whole numbers are categories. The standard error comes from 100 random halves of the rows. An
    association fails when its lower 95 % bound (normal approximation, Benjamini-Hochberg over all pairs) exceeds
    ``max_association``; an association above the limit whose bound is below it passes and is noted. A pair with
    fewer than ``min_rows`` rows in which a banned column and a feature are both present is not judged, and the
    test inconclusive when none of the column's pairs is. Names need no rows.

    Source: Breck et al. 2017, section II, test Data 4; Kelley 1935; Bergsma 2013; Shao and Wu 1989. The limit
    of 0.8 is Assay's interpretation.

    Evidence: the signature with each feature's ``source`` in the manifest; the organisation's policy, to which
    ``banned`` in the manifest may add names; the data set ``train``. Keep banned columns in it, outside the
    signature: what is not there cannot be compared, and the reason says so.

    Fix: take the feature out of the signature and retrain, or have the organisation's policy changed by those
    who own it. For a proxy, look at what the feature adds (DATA-2) before replacing it with something coarser.
    """

    id = "DATA-4"
    thresholds: ClassVar[Thresholds] = {"max_association": 0.8, "min_rows": 100}

    def measure(self, declared: Declaration, policy: OrganisationPolicy, train: TrainingData) -> Measurement:
        features, bans = declared.feature_names, tuple(dict.fromkeys([*policy.banned_features, *declared.banned]))
        columns = [str(column) for column in train.frame.columns if column not in features]
        banned = [column for column in columns if any(_matches(column, ban) for ban in bans)]
        pairs = _associations(declared, banned, train.frame)
        values = {
            "features": len(features),
            "breaches": _breaches(declared, policy, bans),
            "banned_in_data": banned,
            "associations": pairs,
            "not_in_data": [ban for ban in bans if not any(_matches(name, ban) for name in [*features, *banned])],
        }
        header = ("feature", "banned column", "association", "standard error", "rows")
        return Measurement(values, (Exhibit.table("associations.csv", header, (list(p.values()) for p in pairs)),))

    def judge(self, measured: Measured, thresholds: Thresholds) -> Judgement:
        limit, least = thresholds["max_association"], thresholds["min_rows"]
        judged = [pair for pair in measured["associations"] if pair["rows"] >= least]
        faults = [f"{b['feature']} is {KINDS[b['kind']]} ({b['rule']})" for b in measured["breaches"]]
        faults += [f"{_told(pair)}, credibly above {limit:g}" for pair in _credibly_above(judged, limit)]
        if faults:
            remedy = "Take the feature out of the signature and retrain, or have the organisation's policy changed."
            return Judgement(Verdict.FAIL, f"{_listed(faults, '; ')}.", remedy)
        short = set(measured["banned_in_data"]) - {pair["banned"] for pair in judged}
        if short:
            most = max((pair["rows"] for pair in measured["associations"] if pair["banned"] in short), default=0)
            reason = f"To look for proxies of {', '.join(sorted(short))} {least} rows are needed; there are {most}."
            return Judgement(
                Verdict.INCONCLUSIVE, reason, "Register training data with more rows of these columns."
            )
        return Judgement(Verdict.PASS, _all_clear(measured, judged, limit))


def _matches(name: str | None, pattern: str) -> bool:
    if name is None:
        return False
    return name.lower() == pattern.lower() or fnmatchcase(name.lower(), pattern.lower())


def _breaches(declared: Declaration, policy: OrganisationPolicy, bans: Sequence[str]) -> list[dict[str, str]]:
    roles = {"label": declared.label, "id": declared.id_column, "time": declared.time_column}
    found = []
    for feature in declared.features:
        rules = [
            *(("banned", p) for p in bans if _matches(feature.name, p)),
            *(("deprecated", p) for p in policy.deprecated_features if _matches(feature.name, p)),
            *(("source", p) for p in policy.banned_sources if _matches(feature.source, p)),
            *(("role", role) for role, column in roles.items() if feature.name == column),
        ]
        found += [{"feature": feature.name, "kind": kind, "rule": rule} for kind, rule in rules]
    return found


def _associations(declared: Declaration, banned: Sequence[str], frame: pd.DataFrame) -> list[dict[str, Any]]:
    """Every feature in the data with every banned column there, strongest first."""
    sample = frame if len(frame) <= MOST_ROWS else frame.sample(MOST_ROWS, random_state=SEED)
    features = {f.name: encode(sample[f.name], f.type) for f in declared.features if f.name in frame.columns}
    pairs: list[dict[str, Any]] = []
    for other in banned:
        codes = encode(sample[other])
        for feature, values in features.items():
            pairs.append({"feature": feature, "banned": other, **associate(values, codes)._asdict()})
    return sorted(pairs, key=lambda pair: -pair["strength"])


def _credibly_above(pairs: Sequence[dict[str, Any]], limit: float) -> list[dict[str, Any]]:
    bounds = corrected_lower_bounds([(pair["strength"], pair["error"]) for pair in pairs], limit)
    return [pair for pair, bound in zip(pairs, bounds, strict=True) if bound > limit]


def _told(pair: dict[str, Any]) -> str:
    return f"{pair['feature']} is associated with the banned {pair['banned']} by {pair['strength']:.2f}"


def _all_clear(measured: Measured, pairs: Sequence[dict[str, Any]], limit: float) -> str:
    told = [
        f"None of {measured['features']} features is banned, deprecated, from a banned source or in another role."
    ]
    if pairs:
        told.append(f"Of {len(pairs)} associations with banned columns none credibly exceeds {limit:g}.")
        above = [_told(pair) for pair in pairs if pair["strength"] > limit]
        told.append(f"Above it, but not credibly: {'; '.join(above)}." if above else f"Highest: {_told(pairs[0])}.")
    if len(pairs) < len(measured["associations"]):
        told.append(f"Pairs with too few rows to judge: {len(measured['associations']) - len(pairs)}.")
    if measured["not_in_data"]:
        told.append(f"Not in the data and so not looked at: {_listed(measured['not_in_data'])}.")
    return " ".join(told)


def _listed(names: Sequence[str], separator: str = ", ") -> str:
    more = f"{separator}and {len(names) - MOST_TOLD} more" if len(names) > MOST_TOLD else ""
    return separator.join(names[:MOST_TOLD]) + more
