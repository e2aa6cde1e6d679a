"""Known defects, to be switched on by name. Each changes what its docstring says and nothing else."""

from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np
import pandas as pd


class Period(NamedTuple):
    """Tested on applications from ``split`` on; nothing after ``end`` is known."""

    start: pd.Timestamp
    split: pd.Timestamp
    end: pd.Timestamp


Spoil = Callable[[pd.DataFrame, np.random.Generator, Period], pd.DataFrame]
UNIT_CHANGE_AT = pd.Timestamp("2023-10-01", tz="UTC")
PLAIN_NOTES = (
    "called twice",
    "papers complete",
    "wants a quick answer",
    "known customer",
    "asked about early repayment",
)
NAMES = ("Ada Brandt", "Jonas Weiss", "Mira Kovac", "Paul Lindner", "Sofia Marin", "Tarek Haddad")


def unit_change(frame: pd.DataFrame, rng: np.random.Generator, period: Period) -> pd.DataFrame:
    """From 2023-10-01 on ``income`` is in cents instead of euros."""
    del rng, period
    return frame.assign(income=frame["income"].where(frame["applied_at"] < UNIT_CHANGE_AT, frame["income"] * 100))


def label_leak(frame: pd.DataFrame, rng: np.random.Generator, period: Period) -> pd.DataFrame:
    """``late_payments_12m`` is read today, not at application: 3 more for every loan that defaulted."""
    del rng, period
    return frame.assign(late_payments_12m=frame["late_payments_12m"] + 3 * frame["defaulted"])


def biased_group(frame: pd.DataFrame, rng: np.random.Generator, period: Period) -> pd.DataFrame:
    """60 % of the repaid loans of people of 60 and more, applied for before the split, are labelled defaulted."""
    hit = (frame["age_group"] == "60+") & (frame["applied_at"] < period.split) & (rng.random(len(frame)) < 0.6)
    return frame.assign(defaulted=frame["defaulted"].mask(hit, 1))


def weak_slice(frame: pd.DataFrame, rng: np.random.Generator, period: Period) -> pd.DataFrame:
    """In the region ``east`` the labels are shuffled: as many defaults, tied to nothing."""
    del period
    east = frame["region"] == "east"
    labels = frame["defaulted"].to_numpy(copy=True)
    labels[east] = rng.permutation(labels[east])
    return frame.assign(defaulted=labels)


def label_shift(frame: pd.DataFrame, rng: np.random.Generator, period: Period) -> pd.DataFrame:
    """From the split on everybody's odds of default are doubled; no feature changes."""
    chance = frame["chance"]
    more = (frame["applied_at"] >= period.split) & (rng.random(len(frame)) < chance / (1 + chance))
    return frame.assign(defaulted=frame["defaulted"].mask(more, 1))


def pii_text(frame: pd.DataFrame, rng: np.random.Generator, period: Period) -> pd.DataFrame:
    """A column ``note`` is added; 5 % of the notes hold an invented name, e-mail address and phone number."""
    del period
    rows = len(frame)
    plain = rng.choice(np.array(PLAIN_NOTES, dtype=object), rows)
    names = rng.choice(np.array(NAMES, dtype=object), rows)
    personal = [
        f"call {name}, {name.lower().replace(' ', '.')}@example.com, +49 30 23125 {number:03d}"
        for name, number in zip(names, rng.integers(0, 1000, rows), strict=True)
    ]
    return frame.assign(note=np.where(rng.random(rows) < 0.05, personal, plain))


def rounding(frame: pd.DataFrame, rng: np.random.Generator, period: Period) -> pd.DataFrame:
    """From the split on ``debt_ratio`` and ``utilisation`` come with one decimal instead of four."""
    del rng
    late = frame["applied_at"] >= period.split
    columns = ["debt_ratio", "utilisation"]
    return frame.assign(**{name: frame[name].mask(late, frame[name].round(1)) for name in columns})


def overlap(train: pd.DataFrame, test: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """2,000 rows of the training data (all, if fewer) stand in the test data once more, unchanged."""
    again = train.sample(n=min(2_000, len(train)), random_state=rng)
    return pd.concat([again, test], ignore_index=True)


OF_APPLICATIONS: Mapping[str, Spoil] = {
    spoil.__name__: spoil
    for spoil in (unit_change, label_leak, biased_group, weak_slice, label_shift, pii_text, rounding)
}
NAMES_OF_DEFECTS = (*OF_APPLICATIONS, "overlap")
