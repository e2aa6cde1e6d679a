"""DATA-5 on planted scans, deletions and access lists: each part passes, fails for its own reason, is missed."""

import hashlib
import hmac
import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from checks.contract import Verdict
from checks.data.privacy_controls import PrivacyControls
from checks.evidence import Acceptances
from checks.personal import AccessList, ColumnScan, DeletedIds, EntityHits, Forgotten, PersonalDataScan
from tests.checks.planted import declaration, judged, require_storable, training

CHECK = PrivacyControls()
ROWS = 500
DECLARED = declaration(id_column="applicant", personal=("contact",))
FRAME = pd.DataFrame({"applicant": np.arange(1000, 1000 + ROWS), "y": 0})
LAYERS = {"raw": frozenset({"group:risk", "ada@example.org"}), "training": frozenset({"group:risk"})}
DELETED = DeletedIds("d" * 64, None, frozenset({hashlib.sha256(b"17").hexdigest()}))
ACCESS = AccessList("a" * 64, None, LAYERS)


def scan(*found, column="comment", looked_at=ROWS, rows=ROWS):
    columns = (ColumnScan("applicant", ROWS, ROWS), ColumnScan(column, ROWS, looked_at, found))
    return PersonalDataScan(rows, columns, ("EMAIL_ADDRESS", "CREDIT_CARD"), "presidio-analyzer 2")


def mail(hits):
    return EntityHits("EMAIL_ADDRESS", hits, hits, 0.0, 3 if hits else None)


def cards(hits, candidates):
    return EntityHits("CREDIT_CARD", candidates, hits, 0.1, 3 if hits else None)


def measured(scanned=None, declared=DECLARED, frame=FRAME, deleted=DELETED, access=ACCESS):
    measurement = CHECK.measure(declared, training(frame), scanned or scan(), deleted, access)
    require_storable(measurement)
    return measurement


def verdict(measurement, **thresholds):
    return judged(CHECK, measurement, **thresholds).verdict


def test_clean_data_with_all_evidence_passes_and_says_how_much_was_looked_at():
    judgement = judged(CHECK, measured(scan(looked_at=400)))
    assert judgement.verdict is Verdict.PASS
    assert "900 of 1,000 cells" in judgement.reason
    assert "None of 1 deleted ids" in judgement.reason
    assert judgement.remedy == ""


def test_one_address_in_an_undeclared_column_fails_and_one_in_a_declared_one_does_not():
    judgement = judged(CHECK, measured(scan(mail(1))))
    assert judgement.verdict is Verdict.FAIL
    assert "The column comment" in judgement.reason
    assert "EMAIL_ADDRESS in 1 of 500 cells (first in row 3)" in judgement.reason
    assert "columns.personal" in judgement.remedy
    assert "deleted" not in judgement.remedy
    assert verdict(measured(scan(mail(500), column="contact"))) is Verdict.PASS


@pytest.mark.parametrize(("hits", "expected"), [(8, Verdict.PASS), (9, Verdict.PASS), (10, Verdict.FAIL)])
def test_a_share_that_policy_allows_must_be_exceeded_credibly(hits, expected):
    """P(X >= 10 | 500, 0.01) = 3.1 %, P(X >= 9) = 6.7 %: scipy.stats.binom.sf."""
    assert verdict(measured(scan(mail(hits))), max_share=0.01) is expected


@pytest.mark.parametrize(
    ("hits", "candidates", "expected"),
    [
        (0, 1, Verdict.PASS),  # no check digit is right
        (1, 1, Verdict.INCONCLUSIVE),  # every tenth would be, by chance
        (2, 2, Verdict.FAIL),  # 4 % by chance at most
        (1, 7, Verdict.INCONCLUSIVE),  # P(X <= 1 | 7, 1/2) = 6.3 %
        (1, 8, Verdict.PASS),  # 3.5 %: not every second is a card
        (50, 500, Verdict.PASS),  # order numbers
        (116, 500, Verdict.FAIL),  # P(X >= 116 | 500, 0.2) = 4.3 %
        (115, 500, Verdict.PASS),  # 5.5 %
        (500, 500, Verdict.FAIL),
    ],
)
def test_numbers_with_a_check_digit_are_cards_where_more_have_it_than_chance_gives(hits, candidates, expected):
    assert verdict(measured(scan(cards(hits, candidates)))) is expected


def test_a_column_that_two_people_accept_is_named_and_fails_nothing():
    accepted = Acceptances({"DATA-5": {"comment": "2027-01-31"}})
    measurement = CHECK.measure(DECLARED, training(FRAME), scan(mail(4)), DELETED, ACCESS, accepted)
    judgement = judged(CHECK, measurement)
    assert judgement.verdict is Verdict.PASS
    assert judgement.reason.endswith("Accepted by two people: comment (until 2027-01-31).")
    elsewhere = CHECK.measure(DECLARED, training(FRAME), scan(mail(4), column="note"), DELETED, ACCESS, accepted)
    assert verdict(elsewhere) is Verdict.FAIL


def test_many_columns_are_corrected_together():
    """Two of two is 4 % by chance: of a hundred such columns, four."""
    columns = tuple(ColumnScan(f"c{i}", ROWS, ROWS, (cards(2 if i == 0 else 0, 2),)) for i in range(100))
    assert verdict(measured(replace(scan(), columns=columns))) is Verdict.INCONCLUSIVE


def test_a_deleted_id_that_is_still_there_fails_and_is_named_nowhere():
    deleted = replace(DELETED, hashes=DELETED.hashes | {hashlib.sha256(b"1042").hexdigest()})
    measurement = measured(deleted=deleted)
    judgement = judged(CHECK, measurement)
    assert judgement.verdict is Verdict.FAIL
    assert "1 of 2 deleted ids are still in the column applicant (first in row 42)" in judgement.reason
    assert "retrain" in judgement.remedy
    assert "1042" not in json.dumps(measurement.values) + judgement.reason
    assert not any(b"1042" in exhibit.content for exhibit in measurement.exhibits)


@pytest.mark.parametrize(
    "ids",
    [
        np.arange(1000.0, 1500.0),  # whole floats beside nulls
        [str(one) for one in range(1000, 1500)],
        [hashlib.sha256(str(one).encode()).hexdigest().upper() for one in range(1000, 1500)],
    ],
)
def test_ids_are_found_as_numbers_as_text_and_as_hashes(ids):
    deleted = DeletedIds("d" * 64, None, frozenset({hashlib.sha256(b"1042").hexdigest()}))
    assert verdict(measured(frame=FRAME.assign(applicant=ids), deleted=deleted)) is Verdict.FAIL


def test_an_empty_list_of_deletions_says_that_nobody_asked():
    judgement = judged(CHECK, measured(deleted=DeletedIds("d" * 64)))
    assert judgement.verdict is Verdict.PASS
    assert "None of 0 deleted ids" in judgement.reason


def forgotten(*ids):
    return Forgotten(b"k", frozenset(hmac.new(b"k", one.encode(), hashlib.sha256).hexdigest() for one in ids))


@pytest.mark.parametrize(("gone", "frame"), [("1042", FRAME), ("C-7", FRAME.assign(customer="C-7"))])
def test_whom_assay_has_forgotten_and_the_training_data_has_not_fails(gone, frame):
    declared = replace(DECLARED, person_column="customer")
    measurement = CHECK.measure(declared, training(frame), scan(), DELETED, ACCESS, None, forgotten(gone, "other"))
    require_storable(measurement)
    judgement = judged(CHECK, measurement)
    assert judgement.verdict is Verdict.FAIL
    assert "1 ids whose logged predictions were deleted here are still in the training data" in judgement.reason
    assert gone not in str(measurement)


def test_whom_nobody_has_any_more_passes():
    measurement = CHECK.measure(DECLARED, training(FRAME), scan(), DELETED, ACCESS, None, forgotten("other"))
    assert judged(CHECK, measurement).verdict is Verdict.PASS


def test_access_wider_than_the_raw_datas_fails_without_naming_people():
    wider = LAYERS["training"] | {"eve@example.com", "group:interns"}
    judgement = judged(CHECK, measured(access=replace(ACCESS, layers=LAYERS | {"training": wider})))
    assert judgement.verdict is Verdict.FAIL
    assert "2 principals may read the training data" in judgement.reason
    assert "(...@example.com, group:interns)" in judgement.reason
    assert "eve" not in judgement.reason
    assert "Take the access away" in judgement.remedy


def test_the_same_access_as_the_raw_datas_passes():
    assert verdict(measured(access=replace(ACCESS, layers=LAYERS | {"features": LAYERS["raw"]}))) is Verdict.PASS


def test_every_missing_part_is_named_and_how_to_provide_it():
    judgement = judged(CHECK, measured(deleted=None, access=None))
    assert judgement.verdict is Verdict.INCONCLUSIVE
    assert "No list of deleted ids" in judgement.reason
    assert "no access list" in judgement.reason
    assert "deleted-ids" in judgement.remedy
    assert "access-list" in judgement.remedy


def test_a_fault_counts_whatever_is_missing():
    assert verdict(measured(scan(mail(1)), deleted=None, access=None)) is Verdict.FAIL


def test_where_no_row_can_be_tied_to_a_person_no_deletions_are_asked_for():
    unrelated = replace(DECLARED, id_column=None, personal=())
    judgement = judged(CHECK, measured(declared=unrelated, deleted=None))
    assert judgement.verdict is Verdict.PASS
    assert "no row can be tied to a deletion" in judgement.reason
    assert verdict(measured(declared=replace(unrelated, personal=("contact",)), deleted=None)) is (
        Verdict.INCONCLUSIVE
    )


def test_deletions_without_an_id_column_to_find_them_in_are_inconclusive():
    judgement = judged(CHECK, measured(frame=FRAME.drop(columns="applicant")))
    assert judgement.verdict is Verdict.INCONCLUSIVE
    assert "no id column" in judgement.reason
    empty = DeletedIds("d" * 64)
    assert verdict(measured(frame=FRAME.drop(columns="applicant"), deleted=empty)) is Verdict.PASS


@pytest.mark.parametrize(("rows", "expected"), [(99, Verdict.INCONCLUSIVE), (100, Verdict.PASS)])
def test_below_the_minimum_of_rows_the_number_needed_is_named(rows, expected):
    judgement = judged(CHECK, measured(scan(rows=rows)))
    assert judgement.verdict is expected
    assert ("99 rows; 100 are needed" in judgement.reason) == (rows == 99)
