"""DATA-5: personal data where none is declared, people who asked to be deleted, and who may read what."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Any, ClassVar

from checks.contract import CONFIDENCE, Check, Exhibit, Judgement, Measured, Measurement, Thresholds, Verdict
from checks.evidence import Acceptances, Declaration, TrainingData
from checks.methods.acceptance import told_accepted
from checks.methods.metrics import benjamini_hochberg, chance_of_at_least
from checks.methods.schema import as_category
from checks.personal import AccessList, ColumnScan, DeletedIds, Forgotten, PersonalDataScan

HEADER = ("column", "declared personal", "cells", "looked at")
FOUND = ("column", "declared personal", "looked at", "kind", "of its shape", "hits", "chance", "first row")
MOST_TOLD = 5
EVEN = 0.5


class PrivacyControls(Check):
    """The data pipeline has appropriate privacy controls.

    Asked: personal data is only where it is meant to be, who asked to be forgotten is, and the data made for
    training can be read by nobody who may not read what it was made from.

    Measured: three things. Cells of the training data's text, category, id and long whole-number columns, at most
    20,000 drawn by a seed, that presidio's pattern recognizers take for an e-mail address, a telephone number
    written as one, an IBAN, a public IP address, a social security number, a fiscal code, a card or an NHS number;
    counts and the position of the first are kept, never a value. Ids of a handed-in list of deletions that are
    still in the id column; ids of people and predictions that Assay was told to forget, which are known to it as
    keyed digests alone, in the columns of ids and persons. Principals that may read features or training data and
    not the raw data.

    Formula: an e-mail address is one. So for a kind without chance any hit outside ``columns.personal`` fails
    (with ``max_share`` above 0: when the exact binomial lower 95 % bound of its share of cells exceeds that). Card
    and NHS numbers are digits with a check digit that every tenth number has, and ids are such numbers: they fail
    when, of the cells with that many digits, credibly more than ``max_chance`` have it (exact binomial,
    Benjamini-Hochberg over columns and kinds). Too few of them to tell that from every second, and one or more
    hits: inconclusive. One deleted id that is still there fails, as does one principal too many.

    A part without evidence makes the test inconclusive unless another fails: the access list, the deletions (where
    the manifest declares an id or personal columns; else no row can be tied to a person), ``min_rows`` rows.

    Source: Breck et al. 2017, section II, test Data 5; Clopper and Pearson 1934 for the bound. What counts as
    personal, and the limits, are Assay's. Names and addresses in free text need a language model and are not found.

    Evidence: the data set ``train``; ``columns.personal`` and ``columns.id`` in the manifest; handed in by CI,
    ``deleted-ids`` (an id or its SHA-256 a line; an empty file where nobody asked) and ``access-list`` (JSON:
    ``{"raw": ["group:risk"], "features": [...], "training": [...]}``). The finding keeps a table of the columns.
    Hits in a column that two people accept (``assay accept request MODEL DATA-5 --subject COLUMN --reason WHY``;
    docs/policy.md), versions that look like addresses say, are named and fail nothing.

    Fix: personal data: drop, hash or coarsen the column before the training data is written, or declare it and say
    why it is needed. Deletions: build the training data anew and retrain. Access: take the principals off.
    """

    id = "DATA-5"
    thresholds: ClassVar[Thresholds] = {"max_share": 0.0, "max_chance": 0.2, "min_rows": 100}

    def measure(
        self,
        declared: Declaration,
        train: TrainingData,
        scan: PersonalDataScan,
        deleted: DeletedIds | None = None,
        access: AccessList | None = None,
        acceptances: Acceptances | None = None,
        forgotten: Forgotten | None = None,
    ) -> Measurement:
        columns = [_column(one, declared) for one in scan.columns]
        found = [
            {"column": one.column, "personal": one.column in declared.personal, "looked_at": one.looked_at}
            | asdict(hits)
            for one in scan.columns
            for hits in one.found
        ]
        values = {
            "rows": scan.rows,
            "library": scan.library,
            "kinds": list(scan.entities),
            "columns": columns,
            "found": found,
            "ties_to_people": declared.id_column is not None or bool(declared.personal),
            "deletions": None if deleted is None else _deletions(declared, train, deleted),
            "forgotten": None if forgotten is None else _forgotten(declared, train, forgotten),
            "access": None if access is None else _access(access.layers),
            "accepted": acceptances.of(self.id) if acceptances else {},
        }
        looked = Exhibit.table("columns.csv", HEADER, (list(one.values()) for one in columns))
        hits = Exhibit.table("personal-data.csv", FOUND, (list(one.values()) for one in found))
        return Measurement(values, (looked, hits))

    def judge(self, measured: Measured, thresholds: Thresholds) -> Judgement:
        until = measured.get("accepted", {})
        undeclared_columns = [one for one in measured["found"] if not one["personal"]]
        outside = [one for one in undeclared_columns if one["column"] not in until]
        fails = benjamini_hochberg([_chance(one, thresholds) for one in outside])
        undeclared = [one for one, failed in zip(outside, fails, strict=True) if failed]
        faults = [*map(_told, undeclared), *_still_there(measured), *_wider(measured)]
        if faults:
            return Judgement(Verdict.FAIL, f"{_listed(faults)}.", _remedy(measured, undeclared))
        open_parts = [*_few_rows(measured, thresholds), *_unclear(outside), *_absent(measured)]
        if open_parts:
            remedy = " ".join(dict.fromkeys(how for _, how in open_parts))
            return Judgement(Verdict.INCONCLUSIVE, f"{_listed([what for what, _ in open_parts])}.", remedy)
        left_aside = [one["column"] for one in undeclared_columns if one["hits"] and one["column"] in until]
        return Judgement(Verdict.PASS, _all_clear(measured) + told_accepted(left_aside, until))


def _column(one: ColumnScan, declared: Declaration) -> dict[str, Any]:
    personal = one.column in declared.personal
    return {"column": one.column, "personal": personal, "filled": one.filled, "looked_at": one.looked_at}


def _deletions(declared: Declaration, train: TrainingData, deleted: DeletedIds) -> dict[str, Any]:
    """How many of the deleted ids are still in the id column; ``still_there`` is None where there is no column."""
    name, frame = declared.id_column, train.frame
    asked: dict[str, Any] = {"asked": len(deleted.hashes), "column": name, "still_there": None, "first_row": None}
    if name is None or name not in frame.columns:
        return asked
    ids = [as_category(one) for one in frame[name].array]
    rows = [
        row
        for row, one in enumerate(ids)
        if hashlib.sha256(one.encode()).hexdigest() in deleted.hashes or one.lower() in deleted.hashes
    ]
    return asked | {"still_there": len({ids[row] for row in rows}), "first_row": rows[0] if rows else None}


def _forgotten(declared: Declaration, train: TrainingData, forgotten: Forgotten) -> dict[str, Any]:
    """How many of those whom Assay has forgotten are still in the columns of ids and of persons."""
    names = [one for one in (declared.id_column, declared.person_column) if one in train.frame.columns]
    found = [
        (row, one)
        for name in dict.fromkeys(names)
        for row, one in enumerate(map(as_category, train.frame[name].array))
        if forgotten.has(one)
    ]
    still_there, first_row = len({one for _, one in found}), min((row for row, _ in found), default=None)
    return {"asked": len(forgotten.digests), "still_there": still_there, "first_row": first_row}


def _access(layers: Mapping[str, frozenset[str]]) -> dict[str, Any]:
    """Numbers of principals by layer, and who of each layer may not read the raw data, without names of people."""
    return {
        layer: {"principals": len(may), "beyond": sorted(_unnamed(one) for one in may - layers["raw"])}
        for layer, may in layers.items()
    }


def _unnamed(principal: str) -> str:
    """A principal without the person in it: of an address what follows the @."""
    return f"...@{principal.rsplit('@', 1)[1]}" if "@" in principal else principal


def _chance(one: Mapping[str, Any], thresholds: Thresholds) -> float:
    """The chance of so many hits if the limit held."""
    if one["chance"]:
        return chance_of_at_least(one["hits"], one["candidates"], max(thresholds["max_chance"], one["chance"]))
    return chance_of_at_least(one["hits"], one["looked_at"], thresholds["max_share"])


def _told(one: Mapping[str, Any]) -> str:
    return (
        f"the column {one['column']} is not declared personal and holds {one['entity']} in {one['hits']:,} of "
        f"{one['looked_at']:,} cells (first in row {one['first_row']})"
    )


def _still_there(measured: Measured) -> Iterator[str]:
    deletions = measured["deletions"] or {}
    if deletions.get("still_there"):
        yield (
            f"{deletions['still_there']} of {deletions['asked']} deleted ids are still in the column "
            f"{deletions['column']} (first in row {deletions['first_row']})"
        )
    forgotten = measured.get("forgotten") or {}
    if forgotten.get("still_there"):
        yield (
            f"{forgotten['still_there']} ids whose logged predictions were deleted here are still in the training "
            f"data (first in row {forgotten['first_row']})"
        )


def _wider(measured: Measured) -> Iterator[str]:
    for layer, may in sorted((measured["access"] or {}).items()):
        if may["beyond"]:
            named = ", ".join(may["beyond"][:MOST_TOLD]) + (", ..." if len(may["beyond"]) > MOST_TOLD else "")
            yield f"{len(may['beyond'])} principals may read the {layer} data and not the raw data ({named})"


def _remedy(measured: Measured, undeclared: Sequence[object]) -> str:
    told = ["Drop, hash or coarsen these columns, or declare them under columns.personal."] * bool(undeclared)
    told += ["Build the training data anew without the deleted ids and retrain."] * any(_still_there(measured))
    told += ["Take the access away, or show that the raw data may be read as well."] * any(_wider(measured))
    return " ".join(told)


Open = tuple[str, str]
"""A part that cannot be judged, and how to provide what it needs."""


def _few_rows(measured: Measured, thresholds: Thresholds) -> Iterator[Open]:
    least = thresholds["min_rows"]
    if measured["rows"] < least:
        yield f"the training data has {measured['rows']} rows; {least} are needed", "Register more training data."


def _unclear(found: Sequence[Mapping[str, Any]]) -> Iterator[Open]:
    """Numbers with a check digit, too few to tell whether chance gave it to them."""
    for one in found:
        at_most = 1 - chance_of_at_least(one["hits"] + 1, one["candidates"], EVEN)
        if one["chance"] and one["hits"] and at_most > 1 - CONFIDENCE:
            what = (
                f"the column {one['column']} may hold {one['entity']}: {one['hits']} of {one['candidates']} such "
                f"numbers have its check digit, too few to rule out chance (first in row {one['first_row']})"
            )
            yield what, "Look at these cells; take them out or declare the column under columns.personal."


def _absent(measured: Measured) -> Iterator[Open]:
    deletions = measured["deletions"]
    if deletions is None and measured["ties_to_people"]:
        how = "Let CI hand in deleted-ids, an empty file where nobody asked."
        yield "no list of deleted ids was handed in", how
    if deletions is not None and deletions["asked"] and deletions["still_there"] is None:
        yield "the training data has no id column to find deleted ids in", "Declare columns.id and keep it there."
    if measured["access"] is None:
        yield "no access list was handed in", "Let CI hand in an access-list of raw, features and training data."


def _listed(parts: Sequence[str]) -> str:
    more = f"; and {len(parts) - MOST_TOLD} more" if len(parts) > MOST_TOLD else ""
    told = "; ".join(parts[:MOST_TOLD]) + more
    return told[0].upper() + told[1:]


def _all_clear(measured: Measured) -> str:
    columns = measured["columns"]
    looked, filled = sum(one["looked_at"] for one in columns), sum(one["filled"] for one in columns)
    scanned = (
        f"No sign of {len(measured['kinds'])} kinds of personal data outside declared columns in {looked:,} of "
        f"{filled:,} cells of {len(columns)} text and id columns."
    )
    told = [scanned]
    if (deletions := measured["deletions"]) is None:
        told.append("No id and no personal column is declared, so no row can be tied to a deletion.")
    else:
        told.append(f"None of {deletions['asked']} deleted ids is in the training data.")
    layers = ", ".join(layer for layer in sorted(measured["access"]) if layer != "raw")
    return " ".join([*told, f"Who may read {layers} may read the raw data."])
