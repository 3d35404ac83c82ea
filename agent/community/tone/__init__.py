"""Whether a message is meant well, ill, or neither, as far as its words tell."""

from copydesk.agent.community.tone.classifier import (
    TONES,
    Classifier,
    Tone,
    load_classifier,
    tone_with_reactions,
)
from copydesk.agent.community.tone.refit import LEAST_LABELS, Refit, refit

__all__ = [
    "LEAST_LABELS",
    "TONES",
    "Classifier",
    "Refit",
    "Tone",
    "load_classifier",
    "refit",
    "tone_with_reactions",
]
