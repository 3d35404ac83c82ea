"""How well the kinds of messages are told, on real comments that were labelled by hand.

    python bench/kinds.py measure CLONES
    python bench/kinds.py fit CLONES        # writes kind_weights.json and kind_words.json

CLONES is a folder with clones of public repositories that hold exports of discussions:
bitcoin-data/github-metadata-backup-bitcoin-core-gui (issues of bitcoin-core/gui),
payloadcms/website (GitHub discussions of Payload, in the parent of its commit fbaee11b),
teknium1/nous-discord-archive (channels of Nous Research), MrAlders0n/meshcore-discord-archive
(channels of MeshCore) and quarnster/SublimeClang (its own issues). The texts are theirs and are not
kept here: kinds_labels.csv has the part, the source, the id, the start of a SHA-256 of the text,
whether the project's people wrote it, and the kind. How a kind is chosen by hand is written in
docs/reference/feedback.md.

`fit` needs scikit-learn, uses the parts "dev" and "train" and the invented sentences of
kinds_examples.txt, and never looks at "test" (other comments of the first three projects) or
"fresh" (comments of the last two, of which nothing was fitted on).
"""

from __future__ import annotations

import csv
import hashlib
import json
import math
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from copydesk.agent.community.importers.html_text import html_to_text
from copydesk.agent.community.kind_cues import Facts, all_cues, cues_of, facts_of
from copydesk.agent.community.kind_words import words_of
from copydesk.agent.community.kinds import KINDS, kind_of
from copydesk.agent.community.tone import load_classifier

LABELS = Path(__file__).with_name("kinds_labels.csv")
EXAMPLES = Path(__file__).with_name("kinds_examples.txt")
COMMUNITY = Path(__file__).parents[1] / "agent" / "community"
WEIGHTS = COMMUNITY / "kind_weights.json"
WORDS = COMMUNITY / "kind_words.json"
PAYLOAD_COMMIT = "fbaee11b587de4c7a03e051b6fec0e1779d94f7c~1"
_HEAD = re.compile(r"^\[(\d{4}-[^\]]+)\] (.+?) \(id=(\d+)\)$", re.MULTILINE)
_NO_TEXT = re.compile(r"\[(reply to|attachment|embed|reactions?|sticker)")
_STRENGTH = 0.15
_WORDS_SHARE = 4.0
_LEAST_TEXTS = 4
_LEAST_WEIGHT = 0.05
_RARE = 0.25


class Comment(NamedTuple):
    """A comment, and where it stands."""

    source: str
    id: str
    text: str
    is_reply: bool
    by_author: bool
    title: str


def git(clones: Path, name: str, *words: str) -> str:
    """What git says of one of the clones."""
    folders = [path for path in clones.rglob(name) if path.is_dir()]
    command = ["git", "-C", str(folders[0]), *words]
    # a snapshot may lack its largest files; what was labelled is in others
    answer = subprocess.run(command, capture_output=True, check=False)
    return answer.stdout.decode("utf-8", "replace")


def github_issues(clones: Path) -> Iterator[Comment]:
    """Issues and their comments."""
    name = "github-metadata-backup-bitcoin-core-gui"
    for path in git(clones, name, "ls-tree", "-r", "--name-only", "HEAD", "issues").split():
        document = json.loads(git(clones, name, "show", f"HEAD:{path}"))
        issue = document["issue"]
        records = [(issue, False)]
        records += [(event, True) for event in document["events"] if event["event"] == "commented"]
        for record, is_reply in records:
            title = "" if is_reply else issue["title"]
            text = record.get("body") or ""
            yield Comment("gui", str(record["id"]), text, is_reply, False, title)


def github_discussions(clones: Path) -> Iterator[Comment]:
    """Discussions, their comments and replies; their ids are number, place and place."""
    shown = git(clones, "website", "show", f"{PAYLOAD_COMMIT}:discussions.json")

    def comment(record: dict, identity: str, title: str = "") -> Comment:  # type: ignore[type-arg]
        text = html_to_text(record["body"] or "")
        return Comment("payload", identity, text, not title, False, title)

    for record in json.loads(shown):
        yield comment(record, record["id"], record["title"])
        for i, answer in enumerate(record["comments"] or []):
            yield comment(answer, f"{record['id']}/{i}")
            for j, reply in enumerate(answer.get("replies") or []):
                yield comment(reply, f"{record['id']}/{i}/{j}")


def discord_channels(clones: Path) -> Iterator[Comment]:
    """Messages of channels and forum threads."""
    name = "nous-discord-archive"
    for path in git(clones, name, "ls-tree", "-rz", "--name-only", "HEAD").split("\0"):
        if not path.endswith(".txt"):
            continue
        text = git(clones, name, "show", f"HEAD:{path}")
        heads = list(_HEAD.finditer(text))
        if not heads:
            continue
        for head, after in zip(heads, [*heads[1:], None], strict=True):
            body = text[head.end() : after.start() if after else len(text)].strip("\n")
            lines = [line.removeprefix("    ") for line in body.split("\n")]
            is_reply = any(line.startswith("[reply to ") for line in lines)
            shown = "\n".join(line for line in lines if not _NO_TEXT.match(line)).strip()
            yield Comment("nous", head[3], shown, is_reply, False, "")


def html_archive(clones: Path) -> Iterator[Comment]:
    """Messages of channels and forum threads of MeshCore."""
    name = "meshcore-discord-archive"
    folder = "site/data/content"
    for path in git(clones, name, "ls-tree", "-rz", "--name-only", "HEAD", folder).split("\0"):
        if not path.endswith(".json"):
            continue
        shown = git(clones, name, "show", f"HEAD:{path}")
        thread = json.loads(shown) if shown else {"messages": []}
        is_forum = not path.rpartition("/")[2].startswith(("general-chat--", "regional"))
        for i, record in enumerate(thread["messages"]):
            title = thread["title"] if is_forum and not i else ""
            is_reply = bool(record["reply_html"]) or (is_forum and i > 0)
            yield Comment("meshcore", record["id"], record["text"], is_reply, False, title)


def api_issues(clones: Path) -> Iterator[Comment]:
    """Issues of SublimeClang and their comments, as GitHub's API gives them."""
    for path in git(clones, "SublimeClang", "ls-tree", "--name-only", "HEAD", "issues/").split():
        document = json.loads(git(clones, "SublimeClang", "show", f"HEAD:{path}"))
        if not isinstance(document, list):
            continue
        for record in document:
            title = record.get("title", "")
            text = record["body"] or ""
            yield Comment("sublimeclang", str(record["id"]), text, not title, False, title)


def labelled(clones: Path, parts: set[str]) -> Iterator[tuple[Comment, str]]:
    """The comments with their kinds."""
    comments: dict[tuple[str, str], Comment] = {}
    readers = (github_issues, github_discussions, discord_channels, html_archive, api_issues)
    for read in readers:
        for comment in read(clones):
            comments.setdefault((comment.source, comment.id), comment)
    with LABELS.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            comment = comments[row["source"], row["id"]]
            if row["part"] in parts and digest(comment.text) == row["hash"]:
                yield comment._replace(by_author=row["author"] == "1"), row["kind"]


def digest(text: str) -> str:
    """The start of a SHA-256 of a text."""
    return hashlib.sha256(text.encode()).hexdigest()[:8]


def measure(clones: Path) -> None:
    """Print F1 and the confusion matrix of each part that nothing was fitted on, and of both."""
    judged: dict[str, Counter[tuple[str, str]]] = {}
    for part in ("test", "fresh"):
        judged[part] = judge(labelled(clones, {part}))
    judged["both"] = judged["test"] + judged["fresh"]
    for part, pairs in judged.items():
        print(f"\n{part}: {pairs.total()} comments\n")
        show(pairs)


def judge(comments: Iterable[tuple[Comment, str]]) -> Counter[tuple[str, str]]:
    """How often a kind by hand was told as another."""
    classifier = load_classifier()
    pairs: Counter[tuple[str, str]] = Counter()
    for comment, kind in comments:
        tone, _ = classifier.classify(comment.text)
        told = kind_of(
            comment.text,
            title=comment.title,
            tone=tone,
            is_reply=comment.is_reply,
            by_author=comment.by_author,
        )
        pairs[kind, told.name] += 1
    return pairs


def show(pairs: Counter[tuple[str, str]]) -> None:
    """Print the confusion matrix, and the mean F1 of the kinds that occur."""
    print(f"| of these | n | F1 | {' | '.join(KINDS)} |")
    print("| --- " * (len(KINDS) + 3) + "|")
    scores = []
    for kind in KINDS:
        row = [pairs[kind, judged] for judged in KINDS]
        judged_so = sum(pairs[other, kind] for other in KINDS)
        score = 2 * pairs[kind, kind] / max(1, sum(row) + judged_so)
        scores += [score] if sum(row) else []
        print(f"| {kind} | {sum(row)} | {score:.2f} | {' | '.join(map(str, row))} |")
    right = sum(pairs[kind, kind] for kind in KINDS)
    print(f"macro-F1 {sum(scores) / len(scores):.3f}, right {right / pairs.total():.3f}")


def examples() -> Iterator[tuple[Comment, str]]:
    """Invented sentences that leave no doubt, for kinds that are rare among the comments."""
    for line in EXAMPLES.read_text("utf-8").splitlines():
        kind, _, text = line.partition("\t")
        yield Comment("example", "", text.replace("\\n", "\n"), False, False, ""), kind


def facts_and_kinds(comments: Iterable[tuple[Comment, str]]) -> tuple[list[Facts], list[str]]:
    """What the cues and words are looked for in, of each comment, and its kind."""
    classifier = load_classifier()
    texts, kinds = [], []
    for comment, kind in comments:
        tone, _ = classifier.classify(comment.text)
        texts.append(
            facts_of(comment.text, comment.title, tone, comment.is_reply, comment.by_author)
        )
        kinds.append(kind)
    return texts, kinds


def features_of(texts: Sequence[Facts]) -> tuple[list[str], list[str], Any]:
    """The names of cues, the words of enough texts, and a sparse row of both for each text."""
    from scipy.sparse import csr_matrix  # type: ignore[import-untyped,import-not-found,unused-ignore]

    cues = all_cues()
    found = [words_of(facts) for facts in texts]
    counts = Counter(word for words in found for word in words)
    words = sorted(word for word, count in counts.items() if count >= _LEAST_TEXTS)
    places = {name: place for place, name in enumerate(cues)}
    places |= {f"\0{word}": len(cues) + place for place, word in enumerate(words)}
    data, columns, ends = [], [], [0]
    for facts, its_words in zip(texts, found, strict=True):
        own = cues_of(facts)
        columns += [places[name] for name in own]
        data += [1.0] * len(own)
        learned = [places[f"\0{word}"] for word in its_words if f"\0{word}" in places]
        columns += learned
        data += [_WORDS_SHARE / math.sqrt(len(learned) or 1)] * len(learned)
        ends.append(len(columns))
    rows = csr_matrix((data, columns, ends), shape=(len(texts), len(places)))
    return cues, words, rows


def fit(clones: Path) -> None:
    """Fit the weights by multinomial logistic regression; rare kinds count for more."""
    from sklearn.linear_model import LogisticRegression  # type: ignore[import-not-found]

    texts, kinds = facts_and_kinds(labelled(clones, {"dev", "train"}))
    shares = [1.0] * len(texts)
    for facts, kind in zip(*facts_and_kinds(examples()), strict=True):
        # an invented sentence tells nothing of whether it would be a reply
        texts += [facts, facts._replace(is_reply=True)]
        kinds += [kind, kind]
        shares += [0.5, 0.5]
    cues, words, rows = features_of(texts)
    counts = Counter(kinds)
    importance = [
        share * (len(kinds) / counts[kind]) ** _RARE
        for kind, share in zip(kinds, shares, strict=True)
    ]
    model = LogisticRegression(C=_STRENGTH, max_iter=3000)
    model.fit(rows, kinds, sample_weight=importance)
    weights = {}
    for kind, row, intercept in zip(model.classes_, model.coef_, model.intercept_, strict=True):
        pairs = zip(cues, row, strict=False)
        heavy = {name: round(float(w), 2) for name, w in pairs if abs(w) >= _LEAST_WEIGHT}
        weights[str(kind)] = {"": round(float(intercept), 2), **heavy}
    document = {"fitted_on": f"{len(kinds)} texts, bench/kinds_labels.csv", "weights": weights}
    WEIGHTS.write_text(json.dumps(document, indent=1) + "\n", "utf-8")
    hundredths = (100 * _WORDS_SHARE * model.coef_[:, len(cues) :]).round().astype(int).T.tolist()
    lines = ",\n".join(
        f"{json.dumps(word)}:{json.dumps(row, separators=(',', ':'))}"
        for word, row in zip(words, hundredths, strict=True)
    )
    names = json.dumps([str(kind) for kind in model.classes_])
    WORDS.write_text(f'{{"kinds":{names},\n"words":{{\n{lines}\n}}}}\n', "utf-8")


if __name__ == "__main__":
    {"measure": measure, "fit": fit}[sys.argv[1]](Path(sys.argv[2]))
