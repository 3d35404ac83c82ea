"""How well the tone of a text is told: macro-F1 on labelled texts that the weights never saw.

    python bench/tone.py DATA

DATA is a folder with `test1326itemPOLARITY.csv` of Senti4SD (collab-uniba/Senti4SD on GitHub,
MIT; the posts themselves are CC BY-SA and are not shipped here) and `tweets_GroundTruth.txt`
of the source distribution of vaderSentiment 3.3.2 (additional_resources/hutto_ICWSM_2014.tar.gz).
"""

from __future__ import annotations

import csv
import sys
import time
from pathlib import Path

from copydesk.agent.community.tone import TONES, load_classifier
from copydesk.agent.community.tone.features import features_of
from copydesk.agent.community.tone.refit import macro_f1

LEAST = 0.6


def senti4sd(path: Path) -> list[tuple[str, int]]:
    """Texts and labels of Senti4SD's test set."""
    with path.open(encoding="utf-8", errors="replace", newline="") as file:
        rows = [row for row in csv.reader(file, delimiter=";") if len(row) >= 3]
    return [(row[2], TONES.index(row[1])) for row in rows if row[1] in TONES]  # type: ignore[arg-type]


def tweets(path: Path) -> list[tuple[str, int]]:
    """Tweets with the sign of their mean rating; within half a point of 0 they are neutral."""
    labelled = []
    for line in path.read_text("utf-8", errors="replace").splitlines():
        _, rating, text = line.split("\t", 2)
        label = 2 if float(rating) >= 0.5 else 0 if float(rating) <= -0.5 else 1
        labelled.append((text, label))
    return labelled


def main(folder: Path) -> None:
    """Print a row for each set of texts."""
    classifier = load_classifier()
    print("| texts | n | macro-F1 | share not unsure | macro-F1 of these | ms a text |")
    print("| --- | --- | --- | --- | --- | --- |")
    for name, labelled in (
        ("Senti4SD, test", senti4sd(folder / "test1326itemPOLARITY.csv")),
        ("tweets (VADER's raters)", tweets(folder / "tweets_GroundTruth.txt")),
    ):
        truth, judged, sure = [], [], []
        start = time.process_time()
        for text, label in labelled:
            probabilities = classifier.probabilities(classifier.standardised(features_of(text)))
            highest = max(probabilities)
            truth.append(label)
            judged.append(probabilities.index(highest))
            sure.append(highest >= LEAST)
        milliseconds = (time.process_time() - start) / len(labelled) * 1000
        chosen = [i for i, is_sure in enumerate(sure) if is_sure]
        print(
            f"| {name} | {len(labelled)} | {macro_f1(truth, judged):.3f} |"
            f" {len(chosen) / len(labelled):.2f} |"
            f" {macro_f1([truth[i] for i in chosen], [judged[i] for i in chosen]):.3f} |"
            f" {milliseconds:.2f} |"
        )


if __name__ == "__main__":
    main(Path(sys.argv[1]))
