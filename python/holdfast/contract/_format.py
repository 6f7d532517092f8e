"""The model file in words and numbers: its names, versions, operators and limits."""

from __future__ import annotations

__all__ = [
    "BGNBD_LOG_ODDS",
    "CONTRACT",
    "IR_VERSION",
    "LINEAR_BASE_VALUE",
    "LINEAR_LOG_ODDS",
    "LINEAR_ROWS",
    "LINEAR_TERMS",
    "MOST_NODES",
    "MOST_NUMBERS",
    "OPERATORS",
    "OPSETS",
    "PREFIX",
    "RESULTS",
    "TREE_OPERATORS",
]

CONTRACT = "1"
# What the keys of a file's metadata begin with.
PREFIX = "holdfast."

# Pinned: a newer onnx would otherwise write files that an older runtime cannot open.
IR_VERSION = 8
OPSETS = {"": 18, "ai.onnx.ml": 3}

# The output that holds the result, by what is predicted; the first is what a file means that says
# nothing.
RESULTS = {"classification": "probabilities", "regression": "values"}

# Inside a graph, double [N, F]: what each feature adds to the log-odds of its linear part.
LINEAR_TERMS = "terms"
# Inside a graph, double [N, 1]: the log-odds, or value, of its linear part.
LINEAR_LOG_ODDS = "linear_log_odds"
# Inside a graph, double [N, 1]: what BG/NBD, which reads a few features, adds to the log-odds. The
# name is older than the part's, and stays, for it is in files.
BGNBD_LOG_ODDS = "silence_log_odds"

# The constants of a linear part: the log-odds at the training mean, [1], and of every feature,
# [1, F], whether it is logarithmic, what stands in for a missing value, and so on.
LINEAR_BASE_VALUE = "base_value"
LINEAR_ROWS = (
    "is_signed_log",
    "median",
    "lower",
    "upper",
    "mean",
    "scale",
    "coefficient",
    "missing_mean",
    "missing_coefficient",
)

TREE_OPERATORS = ("TreeEnsembleClassifier", "TreeEnsembleRegressor")

# Every operator that a model of contract 1 may hold. None of them reads a file, loops or runs
# another graph, so a stored model can do nothing but arithmetic.
OPERATORS: dict[str, frozenset[str]] = {
    "": frozenset(
        {
            "Abs", "Add", "And", "ArgMax", "Cast", "Clip", "Concat", "Constant", "Div", "Equal",
            "Exp", "Expand", "Flatten", "Gather", "Gemm", "Greater", "GreaterOrEqual", "Identity",
            "IsInf", "IsNaN", "Less", "LessOrEqual", "Log", "MatMul", "Max", "Min", "Mul", "Neg",
            "Not", "Or", "Pow", "ReduceSum", "Relu", "Reshape", "Shape", "Sigmoid", "Sign",
            "Slice", "Split", "Sqrt", "Squeeze", "Sub", "Sum", "Tanh", "Transpose", "Unsqueeze",
            "Where",
        }
    ),
    "ai.onnx.ml": frozenset(
        {
            "ArrayFeatureExtractor", "Binarizer", "FeatureVectorizer", "Imputer",
            "LinearClassifier", "LinearRegressor", "Normalizer", "OneHotEncoder", "Scaler",
            "TreeEnsembleClassifier", "TreeEnsembleRegressor",
        }
    ),
}  # fmt: skip
# Far more than any model of a few hundred features needs.
MOST_NODES = 10_000
MOST_NUMBERS = 10_000_000
