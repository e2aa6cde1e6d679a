"""Synthetic applications for consumer loans: invented people, invented money, a known truth.

Every group of columns is drawn from a random stream of its own (seed and name), so that switching a defect on
leaves all other columns as they were. By hand::

    python generate.py --out applications.parquet --defects unit_change,pii_text
"""

import argparse
import zlib
from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from defects import NAMES_OF_DEFECTS, OF_APPLICATIONS, Period, overlap
from truth import probability_of_default

ROWS, SEED = 60_000, 28
PERIOD = Period(
    start=pd.Timestamp("2023-01-01", tz="UTC"),
    split=pd.Timestamp("2024-04-01", tz="UTC"),
    end=pd.Timestamp("2025-01-01", tz="UTC"),
)
REGIONS = {"north": 0.21, "south": 0.24, "east": 0.17, "west": 0.22, "capital": 0.16}
CHANNELS = {"branch": 0.34, "online": 0.44, "broker": 0.22}
PURPOSES = {"car": 0.32, "furniture": 0.2, "renovation": 0.19, "refinancing": 0.18, "education": 0.11}
HOUSINGS = {"own": 0.18, "mortgage": 0.27, "rent": 0.43, "parents": 0.12}
TERMS = {12: 0.12, 24: 0.2, 36: 0.24, 48: 0.2, 60: 0.14, 72: 0.1}
TYPICAL_INCOME = {
    "salaried": 2600,
    "self_employed": 2900,
    "civil_servant": 3000,
    "student": 1100,
    "retired": 1900,
    "unemployed": 1200,
}
EMPLOYED = ("salaried", "self_employed", "civil_servant")
AGE_GROUPS = ("18-29", "30-44", "45-59", "60+")


def generate(
    rows: int = ROWS, seed: int = SEED, defects: Iterable[str] = (), known_by: pd.Timestamp = PERIOD.end
) -> pd.DataFrame:
    """One row an application, oldest first.

    ``defaulted`` (Int8) and ``label_at`` are missing where the label is not known by ``known_by``.
    ``overlap`` shows only after ``split``.

    Raises:
        ValueError: a defect's name is unknown.
    """
    names = _known(defects)
    frame, prudence = _people(rows, seed)
    for add_columns in (_work, _loan, _credit_record):
        frame = add_columns(frame, prudence, stream(seed, add_columns.__name__))
    frame["chance"] = probability_of_default(frame, prudence)
    frame["defaulted"] = (stream(seed, "defaulted").random(rows) < frame["chance"]).astype("int8")
    for name, spoil in OF_APPLICATIONS.items():
        if name in names:
            frame = spoil(frame, stream(seed, name), PERIOD)
    return _as_recorded(frame, seed, known_by)


def split(
    frame: pd.DataFrame, seed: int = SEED, defects: Iterable[str] = (), at: pd.Timestamp = PERIOD.split
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """(train, test) by time: labels known by ``at``; applications from then on with a known label."""
    labelled = frame.dropna(subset="label_at").astype({"defaulted": "int64"})
    train = labelled[labelled["label_at"] < at].reset_index(drop=True)
    test = labelled[labelled["applied_at"] >= at].reset_index(drop=True)
    if "overlap" in _known(defects):
        test = overlap(train, test, stream(seed, "overlap"))
    return train, test


def stream(seed: int, name: str) -> np.random.Generator:
    return np.random.default_rng([seed, zlib.crc32(name.encode())])


def _known(defects: Iterable[str]) -> set[str]:
    names = set(defects)
    if unknown := names - set(NAMES_OF_DEFECTS):
        raise ValueError(f"unknown defects {sorted(unknown)}; there are {', '.join(NAMES_OF_DEFECTS)}")
    return names


def _pick(shares: Mapping[str, float], rows: int, rng: np.random.Generator) -> np.ndarray:
    return rng.choice(np.array(list(shares), dtype=object), size=rows, p=list(shares.values()))


def _people(rows: int, seed: int) -> tuple[pd.DataFrame, np.ndarray]:
    """Who applies and when: three quarters as many people as applications, so that some come back."""
    people, rng = max(1, rows * 3 // 4), stream(seed, "people")
    born = PERIOD.start - pd.to_timedelta(365.25 * (18 + 60 * rng.beta(1.5, 2, people)), unit="D")
    sex = _pick({"female": 0.5, "male": 0.5}, people, rng)
    region, prudence = _pick(REGIONS, people, rng), rng.normal(size=people)

    who = stream(seed, "person_id").integers(0, people, rows)
    elapsed = np.sort(stream(seed, "applied_at").random(rows)) * (PERIOD.end - PERIOD.start).total_seconds()
    applied_at = PERIOD.start + pd.to_timedelta(np.floor(elapsed), unit="s")
    age = ((applied_at - born[who]).days // 365.25).astype(int)
    frame = pd.DataFrame(
        {
            "application_id": [f"A{n:06d}" for n in range(rows)],
            "person_id": [f"P{n:06d}" for n in who],
            "applied_at": applied_at,
            "sex": sex[who],
            "age": age,
            "age_group": np.array(AGE_GROUPS, dtype=object)[np.searchsorted([30, 45, 60], age, side="right")],
            "region": region[who],
        }
    )
    return frame, prudence[who]


def _work(frame: pd.DataFrame, prudence: np.ndarray, rng: np.random.Generator) -> pd.DataFrame:
    rows, age = len(frame), frame["age"].to_numpy()
    shares = np.select(
        [age[:, None] < 26, age[:, None] >= 64],
        [[0.52, 0.05, 0.04, 0.31, 0.0, 0.08], [0.06, 0.06, 0.02, 0.0, 0.84, 0.02]],
        [0.7, 0.14, 0.09, 0.01, 0.01, 0.05],
    )
    drawn = (rng.random((rows, 1)) > shares.cumsum(axis=1)).sum(axis=1).clip(max=len(TYPICAL_INCOME) - 1)
    employment = np.array(list(TYPICAL_INCOME), dtype=object)[drawn]
    income = np.array(list(TYPICAL_INCOME.values()))[drawn] * np.exp(0.38 * rng.normal(size=rows) + 0.05 * prudence)
    months = np.minimum(rng.exponential(62, rows), (age - 17) * 12).round()
    return frame.assign(
        employment=employment,
        income=income.round(-1).clip(300),
        months_at_job=np.where(np.isin(employment, EMPLOYED), months, np.nan),
        housing=_pick(HOUSINGS, rows, rng),
    )


def _loan(frame: pd.DataFrame, prudence: np.ndarray, rng: np.random.Generator) -> pd.DataFrame:
    rows = len(frame)
    amount = 7200 * np.exp(0.7 * rng.normal(size=rows) - 0.06 * prudence)
    return frame.assign(
        amount=amount.round(-2).clip(500, 75_000),
        term_months=rng.choice(list(TERMS), rows, p=list(TERMS.values())),
        purpose=_pick(PURPOSES, rows, rng),
        channel=_pick(CHANNELS, rows, rng),
    )


def _credit_record(frame: pd.DataFrame, prudence: np.ndarray, rng: np.random.Generator) -> pd.DataFrame:
    rows, months_adult = len(frame), (frame["age"].to_numpy() - 17) * 12
    utilisation = rng.beta(1.3, 1.9, rows) * np.exp(-0.08 * prudence)
    return frame.assign(
        debt_ratio=(rng.beta(1.7, 4.2, rows) * np.exp(-0.1 * prudence)).round(4),
        utilisation=np.where(rng.random(rows) < 0.17, np.nan, utilisation.round(4)),
        account_months=np.minimum(rng.exponential(75, rows), months_adult).round().astype(int),
        late_payments_12m=rng.poisson(np.exp(-1.3 - 0.4 * prudence)).clip(max=9),
        inquiries_6m=rng.poisson(1.3, rows).clip(max=12),
    )


def _as_recorded(frame: pd.DataFrame, seed: int, known_by: pd.Timestamp) -> pd.DataFrame:
    """What the lender's files show: some values were never given, some labels are not known yet."""
    rows = len(frame)
    silent = np.where(frame["employment"] == "self_employed", 0.16, 0.05)
    delay = pd.to_timedelta(90 + stream(seed, "label_at").gamma(2.0, 8.0, rows), unit="D")
    label_at = (frame["applied_at"] + delay).dt.floor("s")
    known = label_at < known_by
    return frame.drop(columns="chance").assign(
        income=frame["income"].mask(stream(seed, "no income").random(rows) < silent),
        channel=frame["channel"].mask(stream(seed, "no channel").random(rows) < 0.03, None),
        defaulted=frame["defaulted"].astype("Int8").where(known),
        label_at=label_at.where(known),
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True, help="Parquet file to write")
    parser.add_argument("--rows", type=int, default=ROWS)
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--defects", default="", help=f"comma-separated: {', '.join(OF_APPLICATIONS)}")
    asked = parser.parse_args()
    frame = generate(asked.rows, asked.seed, filter(None, asked.defects.split(",")))
    frame.to_parquet(asked.out, index=False)
    print(
        f"{len(frame)} synthetic applications in {asked.out}, {frame['defaulted'].notna().sum()} with a known label"
    )


if __name__ == "__main__":
    main()
