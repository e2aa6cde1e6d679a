"""presidio's recognizers on real and on planted cells: what is found, what is not mistaken, what is never kept."""

import json
import socket
import subprocess
import sys
import uuid
from dataclasses import asdict

import numpy as np
import pandas as pd
import pytest

from app.engines import pii
from tests.checks.planted import declaration

PERSONAL = {
    "EMAIL_ADDRESS": "please write to jane.roe@gmail.com about it",
    "PHONE_NUMBER": "call +49 30 901820 before noon",
    "IBAN_CODE": "GB29 NWBK 6016 1331 9268 19",
    "IP_ADDRESS": "login from 81.2.69.142",
    "US_SSN": "536-22-1234",
    "IT_FISCAL_CODE": "RSSMRA85T10A562S",
    "CREDIT_CARD": "paid with 4539 1488 0343 6467",
    "UK_NHS": "943 476 5919",
}
ORDINARY = (
    "jane.roe@nowhere.invalidtld",
    "(4539148803436468)",
    "192.168.0.17",
    "DE89370400440532013001",
    "536221234",
    "000-12-3456",
    "RSSMRA85T10A562X",
    "685.4539148803436467",
    "2125550143",
    "4.17.3",
)
NUMBERS = 1500


@pytest.fixture
def no_network(monkeypatch):
    def refuse(*_, **__):
        raise AssertionError("the network was used")

    monkeypatch.setattr(socket, "socket", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)


def scanned(declared=None, **columns):
    return pii.scan(pd.DataFrame(columns), declared or declaration())


def kinds_in(**columns):
    return {hits.entity for column in scanned(**columns).columns for hits in column.found if hits.hits}


@pytest.mark.parametrize(("kind", "text"), PERSONAL.items())
def test_each_kind_is_found_without_the_network(no_network, kind, text):
    pii._kinds.cache_clear()
    found = scanned(c=["ordinary", "words", text]).columns[0].found
    assert [(one.entity, one.hits, one.first_row) for one in found if one.hits] == [(kind, 1, 2)]


@pytest.mark.parametrize("text", ORDINARY)
def test_what_only_looks_like_it_is_not_taken_for_it(text):
    assert kinds_in(c=[text]) == set()


def test_bare_digits_are_telephone_numbers_in_a_column_called_so():
    assert kinds_in(phone_home=["2125550143"], hotel=["2125550143"]) == {"PHONE_NUMBER"}
    assert kinds_in(tel=["2125550143"]) == {"PHONE_NUMBER"}
    assert kinds_in(hotel=["2125550143"]) == set()


@pytest.fixture(scope="module")
def ordinary_ids():
    """Identifiers, dates and words such as tables hold them; none of them is personal."""
    rng = np.random.default_rng(0)
    days = pd.to_datetime("2000-01-01") + pd.to_timedelta(rng.integers(0, 9000, NUMBERS), unit="D")
    made = {f"{n} digits": rng.integers(10 ** (n - 1), 10**n, NUMBERS) for n in (9, 10, 11, 12, 13, 16)}
    made |= {
        "epoch": rng.integers(1_500_000_000, 1_700_000_000, NUMBERS),
        "uuid": [str(uuid.UUID(bytes=rng.bytes(16))) for _ in range(NUMBERS)],
        "customer": [f"CUST-{one:05d}" for one in rng.integers(0, 10**5, NUMBERS)],
        "order": [f"ORD-2024-{one:06d}" for one in rng.integers(0, 10**6, NUMBERS)],
        "iso": days.strftime("%Y-%m-%d"),
        "german": days.strftime("%d.%m.%Y"),
        "american": days.strftime("%m/%d/%Y"),
        "clock": days.strftime("%H:%M:%S"),
        "zip": [f"{one:05d}-{one % 9999:04d}" for one in rng.integers(0, 10**5, NUMBERS)],
        "city": rng.choice(["New York", "St. Gallen", "São Paulo", "Frankfurt am Main"], NUMBERS),
        "price": [f"{one:,.2f}" for one in rng.normal(0, 10**5, NUMBERS)],
    }
    return pd.DataFrame(made)


def test_ordinary_identifiers_are_hit_no_more_often_than_a_check_digit_lets_chance(ordinary_ids):
    for column in ordinary_ids.columns:
        found = scanned(c=ordinary_ids[column].to_numpy()).columns[0].found
        assert all(one.chance and one.hits <= 0.15 * one.candidates for one in found), (column, found)


def test_columns_that_can_hold_no_text_are_passed_over_but_for_the_id():
    declared = declaration(id_column="age")
    frame = {"age": [31, 42], "income": [3.5, 4.5], "ok": [True, False], "count": [1, 2], "city": ["a", "b"]}
    dated = {"at": pd.to_datetime(["2024-01-01", "2024-01-02"]), "card": [4539148803436467, 1]}
    assert [one.column for one in scanned(declared, **frame, **dated).columns] == ["age", "city", "card"]


def test_categories_and_arrow_text_are_looked_at():
    text = pd.Series(["x", PERSONAL["EMAIL_ADDRESS"]])
    assert kinds_in(c=text.astype("category")) == kinds_in(c=text.astype("string")) == {"EMAIL_ADDRESS"}


def test_a_seeded_sample_is_looked_at_and_counted(monkeypatch):
    monkeypatch.setattr(pii, "MOST_CELLS", 100)
    cells = [PERSONAL["EMAIL_ADDRESS"]] * 500 + ["nothing"] * 400 + [None] * 100
    first, second = (scanned(a=cells, b=cells) for _ in range(2))
    assert first == second
    assert [(one.filled, one.looked_at) for one in first.columns] == [(900, 50), (900, 50)]
    assert 15 <= first.columns[0].found[0].hits <= 40


def test_no_value_leaves_the_scan_nor_an_error_of_it(monkeypatch):
    secret = "jane.roe@gmail.com"
    assert secret not in json.dumps(asdict(scanned(c=[secret])))

    def broken(self, text):
        raise ValueError(text)

    monkeypatch.setattr(pii._Kind, "in_text", broken)
    with pytest.raises(RuntimeError, match="the column c could not be scanned") as caught:
        scanned(c=[secret])
    assert secret not in str(caught.value)
    assert caught.value.__suppress_context__


def test_presidio_is_imported_by_a_scan_alone():
    code = "import sys, app.main, app.worker, app.engines.pii; print('presidio_analyzer' in sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "False"
