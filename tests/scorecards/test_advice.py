"""What is said about a scorecard: why it is what it is, and how to raise it."""

from app.scorecards.scoring import score
from checks import contract
from checks.contract import Section, Verdict
from checks.rubric import TESTS

from .planted import ALL, attested, facts, run

AUTOMATED = frozenset(ALL)


def card_without(*missing, extra=(), **fields):
    """Every test earns 1 but ``missing``, which have the evidence ``extra``."""
    return score(facts(*(run(test_id) for test_id in ALL if test_id not in missing), *extra, **fields))


class TestExplanation:
    def test_one_section(self):
        card = card_without("MON-1", "MON-2", "DATA-1")
        assert card.explanation == (
            "The score is the lowest of the four section scores: monitoring holds it at 5 "
            "(data 6, model 7 and infra 7)."
        )

    def test_several_sections(self):
        card = card_without("MON-1", "DATA-1")
        assert "data and monitoring hold it at 6 (model 7 and infra 7)" in card.explanation
        assert card.explanation.endswith("it rises only when each of them does.")

    def test_all_sections(self):
        assert "all four stand at 0" in score(facts()).explanation


class TestRaises:
    def test_only_tests_of_the_lowest_section(self):
        card = card_without("MON-1", "MON-2", "DATA-1", automated=AUTOMATED)
        assert [(item.test_id, item.section) for item in card.raises] == [
            ("MON-1", Section.MONITORING),
            ("MON-2", Section.MONITORING),
        ]

    def test_cheapest_first(self):
        """A check that runs again is free, evidence has to be handed in, an attestation has to be worked for."""
        missing = ("DATA-1", "DATA-2", "DATA-5", "DATA-7")
        inconclusive = run("DATA-2", verdict=Verdict.INCONCLUSIVE, remedy="Register a test set of 500 rows.")
        card = card_without(*missing, extra=[inconclusive], automated=frozenset({"DATA-1", "DATA-2", "DATA-7"}))
        assert [(item.test_id, item.effort, item.gain) for item in card.raises] == [
            ("DATA-1", "run", 1),
            ("DATA-2", "evidence", 1),
            ("DATA-7", "evidence", 1),
            ("DATA-5", "attest", 0.5),
        ]
        assert card.raises[1].action == "Register a test set of 500 rows."
        assert "attest" in card.raises[3].action

    def test_what_gains_more_comes_first(self):
        card = card_without("DATA-1", "DATA-2", extra=[run("DATA-1", days=40)], automated=AUTOMATED)
        assert [(item.test_id, item.gain) for item in card.raises] == [("DATA-2", 1), ("DATA-1", 0.5)]

    def test_a_new_model_needs_two_runs(self):
        card = card_without("DATA-1", automated=AUTOMATED, runs=0)
        assert "twice" in next(item.action for item in card.raises if item.test_id == "DATA-1")
        once = card_without("DATA-1", automated=AUTOMATED, runs=1)
        assert "once more" in next(item.action for item in once.raises if item.test_id == "DATA-1")

    def test_capped_evidence_should_come_from_ci(self):
        capped = run("INFRA-2", cap="handed in by a person")
        card = card_without("INFRA-2", extra=[capped], automated=AUTOMATED)
        assert card.raises[0].effort == "evidence"
        assert "handed in by a person" in card.raises[0].action

    def test_no_advice_where_nothing_can_be_gained(self):
        attested_only = card_without("DATA-5", extra=[attested("DATA-5")], automated=AUTOMATED - {"DATA-5"})
        assert attested_only.raises == ()
        not_applicable = run("DATA-1", verdict=Verdict.NOT_APPLICABLE)
        assert card_without("DATA-1", extra=[not_applicable], automated=AUTOMATED).raises == ()

    def test_gain_of_the_score_ends_at_the_next_section(self):
        card = card_without("MON-1", "DATA-1", extra=[attested("DATA-1")], automated=AUTOMATED)
        assert [(item.gain, item.score_gain) for item in card.raises] == [(1, 0.5)]

    def test_one_of_two_lowest_sections_alone_raises_nothing(self):
        card = card_without("MON-1", "DATA-1", automated=AUTOMATED)
        assert [(item.test_id, item.score_gain) for item in card.raises] == [("DATA-1", 0), ("MON-1", 0)]

    def test_following_the_first_advice_raises_the_score_by_what_it_says(self):
        before = card_without("MON-1", "MON-2", automated=AUTOMATED)
        after = card_without("MON-2", automated=AUTOMATED)
        assert after.score == before.score + before.raises[0].score_gain


def test_every_score_is_explained():
    card = score(
        facts(
            run("DATA-1"),
            run("DATA-2", days=100),
            run("DATA-3", days=200),
            run("DATA-4", verdict=Verdict.ERROR),
            run("DATA-5", automatic=False),
            run("DATA-6", cap="no commit"),
            attested("DATA-7"),
            run("MODEL-1", verdict=Verdict.NOT_APPLICABLE),
            attested("MODEL-2", days=200),
        )
    )
    words = {
        "DATA-1": "inside its window of 30 days",
        "DATA-2": "100 days old, past its window of 90 days",
        "DATA-3": "too old to count",
        "DATA-4": "No run has come to a conclusion",
        "DATA-5": "a person started",
        "DATA-6": "no commit",
        "DATA-7": "Attested by Ada",
        "MODEL-1": "not applicable",
        "MODEL-2": "expired on",
        "MODEL-3": "Never run",
    }
    for test_id, said in words.items():
        assert said in card.test(test_id).why
    assert all(test.why for test in card.tests)
    assert {contract.Section(test.section) for test in TESTS} == set(Section)
