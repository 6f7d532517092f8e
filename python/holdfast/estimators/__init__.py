"""The estimators: how each is tuned, fitted, and written as a model file.

Each writes its own ONNX graph; a blend writes those of its parts into one.
"""

from __future__ import annotations

from holdfast.estimators._algorithms import ALGORITHMS, ALGORITHMS_BY_TARGET
from holdfast.estimators._base import (
    Algorithm,
    FittedModel,
    Fold,
    OutOfFold,
    Part,
    ScalableModel,
    Tuned,
)
from holdfast.estimators._bgnbd import BGNBD_FEATURES, BgNbdModel, fit_bgnbd_model, has_histories
from holdfast.estimators._bgnbd_share import BgNbdShare, choose_weight, fit_bgnbd_share_or_none
from holdfast.estimators._blend import BLEND, BlendedModel, blend
from holdfast.estimators._btyd import Btyd, choose_btyd, fit_btyd
from holdfast.estimators._custom import CustomModel, custom_algorithm, is_custom
from holdfast.estimators._directions import MONOTONIC
from holdfast.estimators._gamma_gamma import GammaGamma, fit_gamma_gamma
from holdfast.estimators._linear import LinearModel, constant_model, fit_linear, fit_setting
from holdfast.estimators._season import YEAR_SHARE, Season, fit_season
from holdfast.estimators._target import CLASSIFICATION, TARGETS, Target
from holdfast.estimators._text_labels import TextLabels, fit_text_labels
from holdfast.estimators._topics import LEAST_TEXTS, Topics, fit_topics
from holdfast.estimators._trees import TreeModel
from holdfast.estimators._two_part import TWO_PART, TwoPartModel, has_two_parts
from holdfast.estimators._uplift import OFFER_FEATURE, UPLIFT, UpliftModel, fit_uplift

__all__ = [
    "ALGORITHMS",
    "ALGORITHMS_BY_TARGET",
    "BGNBD_FEATURES",
    "BLEND",
    "CLASSIFICATION",
    "LEAST_TEXTS",
    "MONOTONIC",
    "OFFER_FEATURE",
    "TARGETS",
    "TWO_PART",
    "UPLIFT",
    "YEAR_SHARE",
    "Algorithm",
    "BgNbdModel",
    "BgNbdShare",
    "BlendedModel",
    "Btyd",
    "CustomModel",
    "FittedModel",
    "Fold",
    "GammaGamma",
    "LinearModel",
    "OutOfFold",
    "Part",
    "ScalableModel",
    "Season",
    "Target",
    "TextLabels",
    "Topics",
    "TreeModel",
    "Tuned",
    "TwoPartModel",
    "UpliftModel",
    "blend",
    "choose_btyd",
    "choose_weight",
    "constant_model",
    "custom_algorithm",
    "fit_bgnbd_model",
    "fit_bgnbd_share_or_none",
    "fit_btyd",
    "fit_gamma_gamma",
    "fit_linear",
    "fit_season",
    "fit_setting",
    "fit_text_labels",
    "fit_topics",
    "fit_uplift",
    "has_histories",
    "has_two_parts",
    "is_custom",
]
