"""Whether monitoring starts retrainings, by runs, alarms and what Assay asked for."""

import pytest

from app.ledger.reading import monitoring, within
from app.ledger.reading.words import Status
from tests.ledger.reading.planted import PIPELINE, asked, history, run, turn, version

RETRAIN = {"trigger": "degradation", "request": "tr_7"}


def read(*told, **more):
    known = history(*told, versions=(version(),), **more)
    return monitoring.retrains(within.of_pipeline(known, PIPELINE))


def test_the_request_that_a_run_answers_is_proof():
    found = read(run("retrain", days=2, **RETRAIN), turns=(turn(days=3, of="1.1.0"),), training=(asked(),))
    assert found.status is Status.MET
    assert found.proofs[1].text == f"Assay asked {PIPELINE} for a new version: MON-7 turned to fail."
    assert found.proofs[1].source == "request tr_7"


def test_a_request_of_another_pipeline_is_none():
    found = read(
        run("retrain", days=2, **RETRAIN), turns=(turn(days=3, of="1.1.0"),), training=(asked(pipeline="another"),)
    )
    assert (found.status, len(found.proofs)) == (Status.MET, 1)


@pytest.mark.parametrize("outcome", ["failed", "timed_out"])
def test_a_request_in_vain_is_missing_at_once(outcome):
    in_vain = asked(days=0.1, outcome=outcome, version=None, run=None)
    found = read(run(), turns=(turn(days=0.1, of="1.1.0"),), training=(in_vain,))
    assert (found.status, found.missing) == (
        Status.MISSING,
        f"{PIPELINE} was asked when MON-7 turned to fail, and no version came",
    )
    assert found.remedy == "See why: assay training show tr_7"


@pytest.mark.parametrize("more", [{"outcome": None, "version": None}, {"outcome": "failed"}, {"alert_id": 3}])
def test_one_that_is_open_or_brought_a_version_is_not(more):
    given = {"outcome": "failed", "version": None} | more if "alert_id" in more else more
    found = read(run(), turns=(turn(days=0.1, of="1.1.0"),), training=(asked(days=0.1, **given),))
    assert found.status is Status.UNKNOWN
