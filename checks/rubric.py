"""The 28 tests of the ML Test Score, in the paper's order.

Source: Breck, Cai, Nielsen, Salib, Sculley, "The ML Test Score: A Rubric for ML Production Readiness and
Technical Debt Reduction", IEEE Big Data 2017. Windows and scopes are Assay's interpretation.
"""

from __future__ import annotations

from dataclasses import dataclass

from checks.contract import Scope, Section


@dataclass(frozen=True)
class RubricTest:
    """One of the 28. ``window_days`` is how long automatic evidence counts in full; ``None`` where it follows
    the model's own cadence. ``by``: S the service computes it, C collected from CI or a tool, M both.
    """

    id: str
    slug: str
    title: str
    by: str
    scope: Scope
    window_days: int | None

    @property
    def section(self) -> Section:
        return _PREFIXES[self.id.split("-")[0]]

    @property
    def module(self) -> str:
        return f"checks.{self.section}.{self.slug}"


_PREFIXES = {
    "DATA": Section.DATA,
    "MODEL": Section.MODEL,
    "INFRA": Section.INFRA,
    "MON": Section.MONITORING,
}
V, S = Scope.VERSION, Scope.SYSTEM

RUBRIC_VERSION = "2017.1"
"""Changes whenever a title, scope, window or scoring rule below changes."""

TESTS: tuple[RubricTest, ...] = (
    RubricTest("DATA-1", "feature_schema", "Feature expectations are captured in a schema", "S", V, 30),
    RubricTest("DATA-2", "feature_benefit", "All features are beneficial", "S", V, 90),
    RubricTest("DATA-3", "feature_cost", "No feature's cost is too much", "M", V, 90),
    RubricTest("DATA-4", "meta_requirements", "Features adhere to meta-level requirements", "S", V, 30),
    RubricTest("DATA-5", "privacy_controls", "The data pipeline has appropriate privacy controls", "M", V, 30),
    RubricTest("DATA-6", "feature_lead_time", "New features can be added quickly", "C", S, 180),
    RubricTest("DATA-7", "feature_code_tests", "All input feature code is tested", "C", V, 90),
    RubricTest("MODEL-1", "spec_review", "Model specs are reviewed and submitted", "C", V, 365),
    RubricTest("MODEL-2", "offline_online_correlation", "Offline and online metrics correlate", "M", S, 180),
    RubricTest("MODEL-3", "hyperparameter_tuning", "All hyperparameters have been tuned", "C", V, 365),
    RubricTest("MODEL-4", "staleness_impact", "The impact of model staleness is known", "S", S, 180),
    RubricTest("MODEL-5", "simpler_baseline", "A simpler model is not better", "S", V, 90),
    RubricTest("MODEL-6", "slice_quality", "Model quality is sufficient on important data slices", "S", V, 90),
    RubricTest("MODEL-7", "inclusion", "The model is tested for considerations of inclusion", "S", V, 90),
    RubricTest("INFRA-1", "reproducible_training", "Training is reproducible", "M", V, 180),
    RubricTest("INFRA-2", "spec_unit_tests", "Model specs are unit tested", "C", V, 90),
    RubricTest("INFRA-3", "pipeline_integration", "The ML pipeline is integration tested", "C", S, None),
    RubricTest("INFRA-4", "quality_validation", "Model quality is validated before serving", "S", V, 30),
    RubricTest("INFRA-5", "debuggability", "The model is debuggable", "S", V, 90),
    RubricTest("INFRA-6", "canary", "Models are canaried before serving", "S", V, 30),
    RubricTest("INFRA-7", "rollback", "Serving models can be rolled back", "S", S, 30),
    RubricTest("MON-1", "dependency_changes", "Dependency changes result in notification", "M", S, 7),
    RubricTest("MON-2", "data_invariants", "Data invariants hold for inputs", "S", S, None),
    RubricTest("MON-3", "training_serving_skew", "Training and serving are not skewed", "S", S, None),
    RubricTest("MON-4", "model_age", "Models are not too stale", "S", S, None),
    RubricTest("MON-5", "numerical_stability", "Models are numerically stable", "M", V, 30),
    RubricTest("MON-6", "computing_performance", "Computing performance has not regressed", "M", S, None),
    RubricTest("MON-7", "prediction_quality", "Prediction quality has not regressed", "S", S, None),
)

BY_ID = {test.id: test for test in TESTS}
