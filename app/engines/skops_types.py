"""What may be in a skops file: for each kind of node the types that it may build. Nothing else is ever trusted.

skops audits a file by itself, with one list for nodes of every kind. This is the second, narrower audit: a type
is allowed only where it belongs; bound methods, operators and constructor calls are not allowed at all. What is
callable among the allowed (ufuncs, metrics, scores) only computes, whatever it is called with.

All types come from the standard library's containers, numpy, scipy and scikit-learn. On top of what skops
trusts (every public estimator, numpy's and scipy's ufuncs), the names here were found by dumping every fitted
estimator of scikit-learn 1.9; they hold parameters and arrays. ``soundness.py`` checks those whose arrays lead
compiled code through memory.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

TREES = frozenset(
    {
        "sklearn.tree._tree.Tree",
        "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",
    }
)

_OBJECTS = frozenset(
    {
        "scipy.interpolate._bsplines.BSpline",
        "scipy.interpolate._bsplines._BSpline",  # its name since scipy 1.18
        "sklearn._loss.loss.HalfMultinomialLossArrayAPI",
        "sklearn._loss.loss.HalfTweedieLoss",
        "sklearn._loss.loss.HalfTweedieLossIdentity",
        "sklearn.calibration._CalibratedClassifier",
        "sklearn.calibration._SigmoidCalibration",
        "sklearn.calibration._TemperatureScaling",
        "sklearn.compose._column_transformer.make_column_selector",
        "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",
        "sklearn.gaussian_process._gpc._BinaryGaussianProcessClassifierLaplace",
        "sklearn.gaussian_process.kernels.CompoundKernel",
        "sklearn.gaussian_process.kernels.ConstantKernel",
        "sklearn.gaussian_process.kernels.DotProduct",
        "sklearn.gaussian_process.kernels.ExpSineSquared",
        "sklearn.gaussian_process.kernels.Exponentiation",
        "sklearn.gaussian_process.kernels.Matern",
        "sklearn.gaussian_process.kernels.PairwiseKernel",
        "sklearn.gaussian_process.kernels.Product",
        "sklearn.gaussian_process.kernels.RBF",
        "sklearn.gaussian_process.kernels.RationalQuadratic",
        "sklearn.gaussian_process.kernels.Sum",
        "sklearn.gaussian_process.kernels.WhiteKernel",
        "sklearn.metrics._dist_metrics.ChebyshevDistance64",
        "sklearn.metrics._dist_metrics.EuclideanDistance64",
        "sklearn.metrics._dist_metrics.ManhattanDistance64",
        "sklearn.metrics._dist_metrics.MinkowskiDistance64",
        "sklearn.metrics._scorer._CurveScorer",
        "sklearn.metrics._scorer._PassthroughScorer",
        "sklearn.metrics._scorer._Scorer",
        "sklearn.model_selection._split.GroupKFold",
        "sklearn.model_selection._split.GroupShuffleSplit",
        "sklearn.model_selection._split.KFold",
        "sklearn.model_selection._split.LeaveOneGroupOut",
        "sklearn.model_selection._split.RepeatedKFold",
        "sklearn.model_selection._split.RepeatedStratifiedKFold",
        "sklearn.model_selection._split.ShuffleSplit",
        "sklearn.model_selection._split.StratifiedGroupKFold",
        "sklearn.model_selection._split.StratifiedKFold",
        "sklearn.model_selection._split.StratifiedShuffleSplit",
        "sklearn.model_selection._split.TimeSeriesSplit",
        "sklearn.multiclass._ConstantPredictor",
        "sklearn.neighbors._ball_tree.BallTree",
        "sklearn.neighbors._kd_tree.KDTree",
        "sklearn.neural_network._stochastic_optimizers.AdamOptimizer",
        "sklearn.neural_network._stochastic_optimizers.SGDOptimizer",
        "sklearn.utils._metadata_requests.MetadataRequest",
        "sklearn.utils._metadata_requests.MethodMetadataRequest",
    }
)

_CLASSIFICATION_METRICS = (
    "accuracy_score balanced_accuracy_score brier_score_loss d2_brier_score d2_log_loss_score f1_score "
    "jaccard_score log_loss matthews_corrcoef precision_score recall_score"
)
_REGRESSION_METRICS = (
    "d2_absolute_error_score explained_variance_score max_error mean_absolute_error "
    "mean_absolute_percentage_error mean_gamma_deviance mean_poisson_deviance mean_squared_error "
    "mean_squared_log_error median_absolute_error r2_score root_mean_squared_error root_mean_squared_log_error"
)
_FUNCTIONS = frozenset(
    {
        "numpy.max",
        "numpy.mean",
        "numpy.median",
        "numpy.min",
        "scipy._lib.array_api_compat.numpy._aliases.asarray",
        "sklearn.feature_selection._mutual_info.mutual_info_classif",
        "sklearn.feature_selection._mutual_info.mutual_info_regression",
        "sklearn.feature_selection._univariate_selection.chi2",
        "sklearn.feature_selection._univariate_selection.f_classif",
        "sklearn.feature_selection._univariate_selection.f_regression",
        "sklearn.feature_selection._univariate_selection.r_regression",
        "sklearn.metrics._ranking.average_precision_score",
        "sklearn.metrics._ranking.roc_auc_score",
        "sklearn.metrics._ranking.top_k_accuracy_score",
        "sklearn.utils.validation.check_array",  # in a partial: histogram boosting of category columns
        *(f"sklearn.metrics._classification.{name}" for name in _CLASSIFICATION_METRICS.split()),
        *(f"sklearn.metrics._regression.{name}" for name in _REGRESSION_METRICS.split()),
    }
)

_SPARSE = frozenset(
    {
        "scipy.sparse._csc.csc_array",
        "scipy.sparse._csc.csc_matrix",
        "scipy.sparse._csr.csr_array",
        "scipy.sparse._csr.csr_matrix",
    }
)
_BUNCH = "sklearn.utils._bunch.Bunch"


@cache
def allowed() -> Mapping[str, frozenset[str]]:
    """Kind of node (``__loader__``) -> the types that it may build, as "module.name"."""
    from skops.io import _sklearn, _trusted_types
    from skops.io._utils import get_type_name

    dtypes = frozenset(_trusted_types.NUMPY_DTYPE_TYPE_NAMES)
    primitives = frozenset(_trusted_types.PRIMITIVE_TYPE_NAMES)
    estimators = frozenset(_trusted_types.SKLEARN_ESTIMATOR_TYPE_NAMES)
    internals = frozenset(_trusted_types.SKLEARN_INTERNAL_TYPE_NAMES)
    ufuncs = frozenset(_trusted_types.NUMPY_UFUNC_TYPE_NAMES + _trusted_types.SCIPY_UFUNC_TYPE_NAMES)
    return {
        "BytesNode": frozenset({"builtins.bytes"}),
        "BytearrayNode": frozenset({"builtins.bytearray"}),
        "DTypeNode": frozenset({"numpy.dtype"}),
        "DefaultDictNode": frozenset({"collections.defaultdict"}),
        "DictNode": frozenset({"builtins.dict", "collections.OrderedDict", _BUNCH}),
        "FunctionNode": ufuncs | _FUNCTIONS,
        "JsonNode": frozenset({"builtins.str"}),
        "ListNode": frozenset({"builtins.list"}),
        "LossNode": frozenset(get_type_name(loss) for loss in _sklearn.ALLOWED_LOSSES),
        "MaskedArrayNode": frozenset({"numpy.ma.MaskedArray", "numpy.ma.core.MaskedArray"}),
        "NdArrayNode": dtypes | {"numpy.ndarray"},
        "ObjectNode": estimators | internals | _OBJECTS,
        "PartialNode": frozenset({"functools.partial"}),
        "RandomGeneratorNode": frozenset({"numpy.random._generator.Generator"}),
        "RandomStateNode": frozenset({"numpy.random.mtrand.RandomState"}),
        "SetNode": frozenset({"builtins.set"}),
        "SliceNode": frozenset({"builtins.slice"}),
        "SparseMatrixNode": _SPARSE,
        "TreeNode": frozenset({"sklearn.tree._tree.Tree"}),
        "TupleNode": frozenset({"builtins.tuple"}),
        "TypeNode": primitives | dtypes,
    }


@cache
def trusted() -> list[str]:
    """What skops is told to trust beyond its own defaults."""
    return sorted(_OBJECTS | _FUNCTIONS | _SPARSE | TREES | {_BUNCH, "functools.partial", "numpy.dtype"})
