"""The one way the predictor says no."""

from __future__ import annotations


class PredictorError(Exception):
    """Input or a model the user can mend; the message says where and how."""
