"""MODEL-2 on versions whose quality carries over, does not, hardly differs; and on pairs handed in."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import spearmanr

from checks.contract import Verdict
from checks.evidence import Task
from checks.model.offline_online_correlation import OfflineOnlineCorrelation, _correlation
from checks.serving import MetricPair, OfflineOnline, ServedVersion
from tests.checks.planted import declaration, judged, require_storable
from tests.checks.planted_models import answered

CHECK = OfflineOnlineCorrelation()
APART = (0.2, 0.5, 0.8, 1.1, 1.4, 1.7, 2.0, 2.3)
MIXED = (1.4, 0.5, 2.3, 0.2, 1.7, 2.0, 0.8, 1.1)


def scored(strength, seed, rows=1500):
    """Labels and predictions of a binary model whose scores are so many standard deviations apart."""
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, 2, rows)
    score = 1 / (1 + np.exp(-(rng.normal(0, 1, rows) + strength * (truth - 0.5))))
    return truth, answered(truth, (score > 0.5).astype(int), score)


def versions(offline, online, **changes):
    pairs = enumerate(zip(offline, online, strict=True))
    runs = [
        ServedVersion(f"1.{n}", scored(a, 2 * n, **changes), scored(b, 2 * n + 1, **changes)) for n, (a, b) in pairs
    ]
    return OfflineOnline("", versions=tuple(runs))


def handed_in(offline, online, rows=500):
    pairs = enumerate(zip(offline, online, strict=True))
    return OfflineOnline("d" * 64, pairs=tuple(MetricPair(f"arm {n}", a, b, rows) for n, (a, b) in pairs))


def measured(evidence, **declared):
    found = CHECK.measure(declaration(**declared), evidence)
    require_storable(found)
    return found


@pytest.mark.parametrize("metric", ["roc_auc", "log_loss"])
def test_what_is_better_offline_is_better_online(metric):
    found = measured(versions(APART, APART), metric=metric)
    told = judged(CHECK, found)
    assert told.verdict is Verdict.PASS
    assert (
        f"Over 8 served versions Spearman's correlation of the {metric} offline and online is 1.00" in told.reason
    )
    assert [one.name for one in found.exhibits] == ["offline-online.csv", "offline-online.svg"]
    assert found.exhibits[0].content.startswith(b"name,offline,offline_error,online,online_error,rows\n1.0,")
    assert found.exhibits[1].content.count(b"<circle") == 8


def test_quality_that_does_not_carry_over_fails():
    told = judged(CHECK, measured(versions(APART, MIXED)))
    assert told.verdict is Verdict.FAIL
    assert "not shown to be better online" in told.reason
    assert "test data lacks" in told.remedy


def test_quality_that_turns_round_fails():
    assert judged(CHECK, measured(versions(APART, APART[::-1]))).verdict is Verdict.FAIL


@pytest.mark.parametrize(
    ("offline", "online", "told"),
    [
        ((1.5,) * 8, (1.5,) * 8, "offline and online"),
        (APART, (1.5,) * 8, "but online"),
        ((1.5,) * 8, MIXED, "but offline"),
    ],
)
def test_the_order_of_versions_that_are_alike_says_nothing(offline, online, told):
    judgement = judged(CHECK, measured(versions(offline, online)))
    assert judgement.verdict is Verdict.INCONCLUSIVE
    assert told in judgement.reason
    assert "differ by no more than chance" in judgement.reason


def test_seven_pairs_are_too_few():
    judgement = judged(CHECK, measured(versions(APART[:7], APART[:7])))
    assert judgement.verdict is Verdict.INCONCLUSIVE
    assert judgement.reason == "7 pairs of served versions; 8 are needed."


def test_pairs_on_few_rows_do_not_count():
    few = handed_in(range(8), range(8))
    few = OfflineOnline(few.digest, pairs=(*few.pairs[:7], MetricPair("small", 8, 8, 99)))
    judgement = judged(CHECK, measured(few))
    assert judgement.verdict is Verdict.INCONCLUSIVE
    assert judgement.reason.endswith("Left out: small: 99 rows, 100 are needed.")
    enough = OfflineOnline(few.digest, pairs=(*few.pairs[:7], MetricPair("small", 8, 8, 100)))
    assert judged(CHECK, measured(enough)).verdict is Verdict.PASS


def test_a_version_whose_metric_is_undefined_is_left_out():
    one_class = (np.ones(200, int), answered(np.ones(200, int), np.ones(200, int), np.full(200, 0.5)))
    found = versions(APART, APART)
    odd = ServedVersion("odd", found.versions[0].offline, one_class)
    values = measured(OfflineOnline("", versions=(*found.versions, odd), skipped=("2.0: lost",))).values
    assert len(values["pairs"]) == 8
    assert values["skipped"][0] == "2.0: lost"
    assert values["skipped"][1].startswith("odd: needs enough rows of every class")


def test_experiments_are_judged_by_their_order_alone():
    assert judged(CHECK, measured(handed_in(range(8), [n**3 for n in range(8)]))).verdict is Verdict.PASS
    assert (
        judged(CHECK, measured(handed_in(range(12), [5, 1, 9, 3, 11, 0, 7, 2, 10, 4, 8, 6]))).verdict
        is Verdict.FAIL
    )
    same = judged(CHECK, measured(handed_in([1] * 8, range(8))))
    assert (same.verdict, same.reason[:40]) == (Verdict.INCONCLUSIVE, "The figures of all 8 handed-in experimen")


def test_the_level_is_the_boundary():
    found = measured(handed_in(range(8), [0, 2, 1, 5, 4, 3, 7, 6]))
    level = found.values["p_value"]
    assert judged(CHECK, found, level=level).verdict is Verdict.PASS
    assert judged(CHECK, found, level=level * 0.999).verdict is Verdict.FAIL


def test_losses_of_a_regression_agree_with_a_positive_sign():
    rng = np.random.default_rng(0)
    truth = rng.normal(0, 1, 500)

    def run(noise, seed):
        predicted = truth + np.random.default_rng(seed).normal(0, noise, 500)
        return truth, answered(truth, predicted)

    noises = [0.1 * n for n in range(1, 9)]
    runs = tuple(ServedVersion(str(n), run(noise, n), run(noise, 50 + n)) for n, noise in enumerate(noises))
    found = measured(OfflineOnline("", versions=runs), metric="rmse", task=Task.REGRESSION, positive=None)
    assert found.values["pairs"][0]["offline"] == pytest.approx(0.1, abs=0.02)
    assert found.values["spearman"] == 1.0


@pytest.mark.parametrize("pairs", [8, 9, 30])
def test_the_p_value_beside_scipys(pairs):
    rng = np.random.default_rng(pairs)
    for _ in range(5):
        x = rng.normal(0, 1, pairs)
        y = x + rng.normal(0, 1.5, pairs)
        rho, p_value = _correlation(x, y)
        theirs = spearmanr(x, y, alternative="greater")
        assert rho == pytest.approx(theirs.statistic)
        assert p_value == pytest.approx(theirs.pvalue, abs=0.015)


def test_chance_passes_one_time_in_twenty():
    rng = np.random.default_rng(1)
    passed = sum(_correlation(rng.normal(0, 1, 8), rng.normal(0, 1, 8))[1] <= 0.05 for _ in range(400))
    assert 8 <= passed <= 34  # 20 expected
