"""A version of which all 28 tests pass; for each a fault of its own, and a thing without which nobody can tell."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from xml.sax.saxutils import quoteattr

from app.audits.attempt import FeatureServed, FeaturesServed
from app.audits.runner import Found
from benchmarks.faults.attempts import findings
from benchmarks.faults.cases import all_cases
from benchmarks.faults.cases.data import with_feature
from benchmarks.faults.surroundings import drill, metric_pairs, outcomes, surrounded
from benchmarks.faults.worlds import END, World, health
from checks import discover
from checks.infra.spec_unit_tests import KINDS

COMMIT, OLDER = "3f2a91c5d0b1" + "0" * 28, "a" * 40
MOMENT = END.to_pydatetime()
BEFORE = (MOMENT - timedelta(days=2)).isoformat()
Change = Callable[[World], World]


def _json(**document) -> bytes:
    return json.dumps(document).encode()


# --- what tools wrote -----------------------------------------------------------------------------


def junit(*failed: str) -> bytes:
    """A case for each kind of test of the specification."""
    cases = "".join(
        f"<testcase name={name}><properties><property name='assay' value={name}/></properties>{outcome}</testcase>"
        for name, outcome in ((quoteattr(kind), "<failure/>" if kind in failed else "") for kind in KINDS)
    )
    return f"<testsuite>{cases}</testsuite>".encode()


def coverage(ran: int) -> bytes:
    """Of ten lines of feature code so many ran."""
    lines = "".join(f'<line number="{n + 1}" hits="{int(n < ran)}"/>' for n in range(10))
    return f'<coverage><class filename="features/income.py"><lines>{lines}</lines></class></coverage>'.encode()


def git(began_days: int = 20, **changes) -> bytes:
    """Three features began so many days before they served."""
    ada = {"name": "Ada", "email": "ada@example.com"}
    at = (MOMENT - timedelta(days=10 + began_days)).isoformat()
    features = [{"feature": name, "commit": OLDER, "at": at} for name in ("idp", "lpi", "fmde")]
    known = {
        "commit": COMMIT,
        "collected_at": BEFORE,
        "tool": "git 2.39",
        "protected_branch": "main",
        "reachable": True,
        "clean": True,
        "shallow": False,
        "authors": [ada],
        "committers": [ada],
        "features": features,
    }
    return _json(**known | changes)


def review(reviewer: str) -> bytes:
    """One merge request of ada's, approved by somebody."""
    change = {
        "number": 7,
        "url": "https://forge.example.com/7",
        "base": "main",
        "head": COMMIT,
        "merged": True,
        "authors": ["ada"],
        "reviews": [{"reviewer": reviewer, "state": "approved", "commit": COMMIT}],
    }
    return _json(forge="gitlab", repository="g/p", commit=COMMIT, collected_at=BEFORE, changes=[change])


def trials(chosen: float) -> bytes:
    """A search whose best value of C is 1."""
    tried = [round(0.1 * n, 1) for n in range(1, 26)]
    runs = [
        {"id": str(c), "state": "complete", "value": 0.7 - 0.1 * abs(c - 1), "parameters": {"C": c}} for c in tried
    ]
    source = {"tool": "optuna", "name": "visits"}
    return _json(source=source, metric="roc_auc", direction="maximize", trials=runs, chosen={"C": chosen})


def pipeline_runs(train: str) -> bytes:
    stages = [{"name": "extract", "state": "succeeded"}, {"name": "train", "state": train}]
    run = {
        "id": "r1",
        "trigger": "schedule",
        "orchestrated": True,
        "state": "succeeded",
        "finished_at": BEFORE,
        "stages": stages,
    }
    return _json(source={"tool": "airflow", "name": "visits"}, pipeline="visits", runs=[run])


# --- the version ----------------------------------------------------------------------------------


@cache
def whole() -> World:
    """Visits to a doctor, with healthy surroundings and all that tools can hand in."""
    world = surrounded(health(1))
    pipeline = {"name": "visits", "stages": ["extract", "train"], "cadence_days": 7}
    version = world.manifest["version"] | {"commit": COMMIT, "tunables": {"C": 1.0}, "pipeline": pipeline}
    served = [FeatureServed(feature=name, version="1.0.0", at=MOMENT - timedelta(days=10)) for name in ADDED]
    features = FeaturesServed(environment="production", first_version="0.9.0", added=served)
    return (
        world.declaring(version=version, code={"feature_paths": ["features"]})
        .with_facts(features=features)
        .handing_in("junit", junit())
        .handing_in("coverage", coverage(9))
        .handing_in("git", git())
        .handing_in("review", review("bo"))
        .handing_in("trials", trials(1.0))
        .handing_in("pipeline-runs", pipeline_runs("succeeded"))
    )


ADDED = ("idp", "lpi", "fmde")


@cache
def healthy() -> dict[str, Found]:
    return findings(whole(), list(discover()))


def found(test: str, world: World) -> Found:
    return findings(world, [test])[test]


def case(name: str) -> Change:
    """A strong fault of the benchmark, in a world of its own."""
    plant = next(one.plant for one in all_cases() if one.id == name and one.strength == "strong")
    return lambda _: plant(1)


def handing_in(kind: str, *files: bytes) -> Change:
    return lambda world: world.handing_in(kind, *files)


def without(kind: str) -> Change:
    return lambda world: world.but(handed_in={k: files for k, files in world.handed_in.items() if k != kind})


def few(part: str, rows: int) -> Change:
    return lambda world: world.but(**{part: getattr(world, part).head(rows)})


def declaring(**parts) -> Change:
    return lambda world: world.declaring(**{name: part(world.manifest) for name, part in parts.items()})


def knowing(**facts) -> Change:
    return lambda world: world.with_facts(**facts)


@dataclass(frozen=True)
class Ways:
    """A fault and words of the reason, a lack and words of the reason."""

    fault: Change
    told: str
    lack: Change
    named: str


def _plain(manifest) -> list[dict]:
    return [{k: v for k, v in one.items() if k not in {"cost", "upstream"}} for one in manifest["features"]]


WAYS: dict[str, Ways] = {
    "DATA-1": Ways(
        case("DATA-1/nulls_where_none_may_be"),
        "disea 50 of 10095 (null 50)",
        few("train", 50),
        "50 rows; 100 are needed",
    ),
    "DATA-2": Ways(
        lambda world: with_feature(world, "always_one", lambda _: 1.0),
        "1 of 6 clusters add nothing to roc_auc: always_one",
        few("test", 60),
        "60 labelled rows; 100 are needed",
    ),
    "DATA-3": Ways(
        case("DATA-3/dear_and_useless"),
        "bureau_mark gains at most 0.0000 and is 88% of the declared cost",
        declaring(features=_plain),
        "No feature declares its cost or the systems",
    ),
    "DATA-4": Ways(
        case("DATA-4/a_banned_feature"),
        "holder_ssn is banned by name (*_ssn)",
        knowing(organisation=None),
        "Missing: an organisation policy",
    ),
    "DATA-5": Ways(
        case("DATA-5/accounts_in_notes"),
        "note is not declared personal and holds IBAN_CODE",
        without("access-list"),
        "No access list was handed in",
    ),
    "DATA-6": Ways(
        handing_in("git", git(began_days=90)),
        "the median took 90 days",
        without("git"),
        "Missing: when work on each feature began",
    ),
    "DATA-7": Ways(
        handing_in("coverage", coverage(7)), "7 ran (70.0%)", without("coverage"), "Missing: a coverage report"
    ),
    "MODEL-1": Ways(
        handing_in("review", review("ada")),
        "ada (own work)",
        without("review"),
        "Missing: a record of who reviewed the commit",
    ),
    "MODEL-2": Ways(
        handing_in("metric-pairs", metric_pairs(-1.0)),
        "correlation of the metric offline and online is -1.00",
        handing_in("metric-pairs", metric_pairs(1.0, 7)),
        "7 pairs of handed-in experiments; 8 are needed",
    ),
    "MODEL-3": Ways(
        handing_in("trials", trials(2.5)),
        "declares C 1.0, the search chose 2.5",
        without("trials"),
        "Missing: the trials of a search",
    ),
    "MODEL-4": Ways(
        case("MODEL-4/quality_gone_from_the_first_month"),
        "2% is lost at about 7 days",
        without("staleness-predictions"),
        "Missing: trainings of this recipe to other dates",
    ),
    "MODEL-5": Ways(
        case("MODEL-5/a_tree_that_learned_by_heart"),
        "credibly worse than the linear baseline",
        few("test", 60),
        "60 labelled rows; 100 are needed",
    ),
    "MODEL-6": Ways(
        case("MODEL-6/a_site_that_measures_otherwise"),
        "slice site B",
        few("test", 60),
        "fewer than 100 labelled rows: site A (32), site B (28)",
    ),
    "MODEL-7": Ways(
        case("MODEL-7/a_site_that_is_mostly_refused"),
        "the true positive rate of 1 is 0.995 in A",
        declaring(sensitive=lambda _: []),
        "Missing: sensitive columns",
    ),
    "INFRA-1": Ways(
        case("INFRA-1/a_seed_that_was_not_fixed"),
        "differ in 110 predictions by up to",
        lambda world: world.handing_in("training-outcome", *outcomes(world)),
        "there is one training (run 0)",
    ),
    "INFRA-2": Ways(
        handing_in("junit", junit("overfits_tiny")),
        "1 of 4 cases failed: overfits_tiny",
        without("junit"),
        "Missing: JUnit results of the model's own tests",
    ),
    "INFRA-3": Ways(
        handing_in("pipeline-runs", pipeline_runs("failed")),
        "not all declared stages succeeded: train failed",
        without("pipeline-runs"),
        "Missing: runs of the pipeline",
    ),
    "INFRA-4": Ways(
        case("INFRA-4/a_fifth_of_the_test_data_was_trained_on"),
        "548 of 2740 holdout rows are also training rows",
        declaring(quality=lambda manifest: {"metric": manifest["quality"]["metric"]}),
        "Missing: a quality floor",
    ),
    "INFRA-5": Ways(
        case("INFRA-5/answers_with_a_random_part"),
        "111 are computed otherwise now",
        few("log", 99),
        "99 predictions are logged in the window; 100 are needed",
    ),
    "INFRA-6": Ways(
        case("INFRA-6/a_canary_that_takes_twice_as_long"),
        "latency is 12.97 ms against 6.543 ms",
        lambda world: world.but(canary=None),
        "The version was no canary in the audit's environment",
    ),
    "INFRA-7": Ways(
        lambda world: world.but(drills=[drill(failed=2)]),
        "2 of 80 requests failed",
        lambda world: world.but(drills=[]),
        "Missing: a rollback drill",
    ),
    "MON-1": Ways(
        case("MON-1/a_change_that_was_told_late"),
        "table 0 (after 17 minutes)",
        knowing(dependencies=None),
        "Missing: an environment whose dependencies are watched",
    ),
    "MON-2": Ways(
        case("MON-2/a_mean_half_a_deviation_off"),
        "disea drifts, Wasserstein distance",
        few("log", 99),
        "The window has 99 rows; 500 are needed",
    ),
    "MON-3": Ways(
        case("MON-3/another_unit_in_serving"),
        "lpi 3899 of 5048",
        few("recomputed", 499),
        "499 logged predictions are joined with recomputed features by id; 500 are needed",
    ),
    "MON-4": Ways(
        case("MON-4/a_day_past_the_cadence"),
        "beyond the declared cadence of 6 days",
        declaring(model=lambda manifest: {**manifest["model"], "retraining_days": None}),
        "no limit is known",
    ),
    "MON-5": Ways(
        case("MON-5/a_loss_that_was_no_number"),
        "NaN or infinity in 1 steps of the training metric loss",
        few("test", 60),
        "The test data has 60 rows; 100 are needed",
    ),
    "MON-6": Ways(
        case("MON-6/answers_that_take_half_as_long_again"),
        "is 9.803 against 6.535 of 0.9.0",
        lambda world: world.but(log=world.log.head(0), previous_log=world.log.head(0), training_runs=((), ())),
        "Missing: logged latencies or training runs",
    ),
    "MON-7": Ways(
        case("MON-7/fewer_visits_than_foretold"),
        "The bias is +0.141",
        few("log", 99),
        "99 labelled predictions and 5047 labelled rows",
    ),
}
