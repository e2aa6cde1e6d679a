"""Unit tests of the split by time."""

from generate import PERIOD, generate, split


def test_training_knows_nothing_of_the_test_period():
    train, test = split(generate(rows=4_000, seed=7))
    assert train["label_at"].max() < PERIOD.split <= test["applied_at"].min()
    assert not set(train["application_id"]) & set(test["application_id"])


def test_loans_without_a_known_outcome_are_left_out():
    frame = generate(rows=4_000, seed=7)
    train, test = split(frame)
    open_loans = set(frame.loc[frame["defaulted"].isna(), "application_id"])
    assert open_loans
    assert not open_loans & {*train["application_id"], *test["application_id"]}
