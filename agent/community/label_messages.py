"""Work out the tone and the kind of the messages on the desk that have none yet."""

from __future__ import annotations

import json

from copydesk.agent.community.kinds import kind_of
from copydesk.agent.community.tone import Classifier, Refit, load_classifier, refit
from copydesk.agent.community.tone.classifier import to_json
from copydesk.agent.desk.database import Database
from copydesk.agent.desk.feedback import BY_AUTHOR, UnlabelledMessage
from copydesk.agent.errors import CopydeskError
from copydesk.agent.progress import Progress
from copydesk.agent.text import plural

CLASSIFIER_SETTING = "tone_weights"
LABELS_SETTING = "tone_labels"
_BATCH = 500

Labels = dict[str, str]
"""The tones that you gave messages, by message id."""


def label_messages(db: Database, progress: Progress) -> int:
    """Label the messages that came since the last time.

    Without the libraries that the tone needs, tones stay "" and kinds are told by words alone.

    Args:
        db: The open desk.
        progress: Told now and then how far it is.

    Returns:
        How many messages were labelled.
    """
    classifier: Classifier | None = load_classifier(db.feedback.setting(CLASSIFIER_SETTING))
    labelled = 0
    while messages := db.feedback.unlabelled(_BATCH):
        labels = []
        for message in messages:
            tone, probability = "", 0.0
            if classifier is not None:
                try:
                    tone, probability = classifier.classify(message.text)
                except CopydeskError:
                    classifier = None
            labels.append((tone, probability, *_kind(message, tone), message.id))
        db.feedback.set_labels(labels)
        labelled += len(labels)
        progress(f"read {plural(labelled, 'message')}")
    return labelled


def _kind(message: UnlabelledMessage, tone: str) -> tuple[str, str]:
    kind = kind_of(
        message.text,
        title=message.title,
        tone=tone,
        is_reply=message.is_reply,
        by_author=bool(message.flags & BY_AUTHOR),
    )
    return kind.name, kind.reason


def load_labels(db: Database) -> Labels:
    """The tones that you gave messages."""
    stored = json.loads(db.feedback.setting(LABELS_SETTING) or "{}")
    return {str(identity): str(tone) for identity, tone in stored.items()}


def save_labels(db: Database, labels: Labels) -> None:
    """Store the tones that you gave messages."""
    db.feedback.set_setting(LABELS_SETTING, json.dumps(labels))


def texts_to_label(db: Database, labels: Labels, limit: int) -> list[tuple[int, str, str]]:
    """Messages of readers that have no label: id, text and the tone that was told.

    Those whose tone is least certain come first: they teach the most.
    """
    candidates = [
        message
        for message in db.feedback.latest(5_000)
        if str(message.id) not in labels and any(map(str.isalpha, message.text))
    ]
    candidates.sort(key=lambda message: (message.tone_probability, message.id))
    return [(message.id, message.text, message.tone) for message in candidates[:limit]]


def refit_from_labels(db: Database, labels: Labels) -> Refit | None:
    """Fit the weights on your labels; they are used only if they judge better.

    Returns:
        What came of it; None without labels.

    Raises:
        CopydeskError: What computes the features is not installed.
    """
    messages = [db.feedback.message(int(identity)) for identity in labels]
    labelled = [(m.text, labels[str(m.id)]) for m in messages if m is not None]
    if not labelled:
        return None
    result = refit(load_classifier(), labelled)
    before = db.feedback.setting(CLASSIFIER_SETTING)
    weights = to_json(result.classifier) if result.better else ""
    if weights != before:
        db.feedback.set_setting(CLASSIFIER_SETTING, weights)
        db.feedback.clear_labels()
    return result
