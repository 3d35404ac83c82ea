"""What `--json` prints, command by command, as JSON Schema (draft 2020-12).

`python -m copydesk.agent.cli.json_schemas docs/reference/json` writes the files; a test says when
they are due, and the tests of the command line hold every answer they get against them. Keys may be
added; one that is there keeps its name and its type.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from copydesk.agent.records import Json

_DIALECT = "https://json-schema.org/draft/2020-12/schema"

TEXT: Json = {"type": "string"}
COUNT: Json = {"type": "integer"}
NUMBER: Json = {"type": "number"}
YES_OR_NO: Json = {"type": "boolean"}
OPEN: Json = {}
"""Anything: what depends on the kind of draft or on other people's formats."""


def _list(items: Json) -> Json:
    return {"type": "array", "items": items}


def _map(values: Json) -> Json:
    """An object whose keys are names of the project: paths, people's words."""
    return {"type": "object", "additionalProperties": values}


def _maybe(schema: Json) -> Json:
    return {"anyOf": [schema, {"type": "null"}]}


def _object(fields: Json, sometimes: Json | None = None) -> Json:
    """An object with keys that are always there, and keys that are there in some cases."""
    return {"type": "object", "properties": {**fields, **(sometimes or {})}, "required": [*fields]}


_FAILING = {
    "test": TEXT, "outcome": TEXT, "before": TEXT, "compared": TEXT, "line": COUNT, "error": TEXT,
}  # fmt: skip
_PERCENT = _maybe(NUMBER)
_PROJECT = _object(
    {
        "folder": TEXT, "branch": COUNT, "total": COUNT, "passed": COUNT, "failed": COUNT,
        "skipped": COUNT, "executable": COUNT, "covered": COUNT, "percent": _PERCENT,
        "doubts": _list(TEXT),
    }
)  # fmt: skip
_GAP = {
    "path": TEXT, "function": TEXT, "lines": _list(COUNT), "branches": _list(_list(COUNT)),
    "risk": NUMBER, "reasons": _list(TEXT), "changed": YES_OR_NO,
}  # fmt: skip
_TARGET = _object({"path": TEXT, "function": TEXT, "lines": _list(COUNT)})
_DRAFT = {
    "id": COUNT, "kind": TEXT, "state": TEXT, "commit": TEXT, "title": TEXT,
    "target": _maybe(_TARGET), "origin": TEXT, "path": TEXT, "content": TEXT, "evidence": OPEN,
    "note": TEXT, "created_at": TEXT,
}  # fmt: skip
_REFUSED = {"error": TEXT, "slug": TEXT}
_DECIDED = _list(
    {
        "anyOf": [
            _object(_DRAFT, {"written": _maybe(TEXT), "kept": _maybe(TEXT)}),
            _object({"id": COUNT, **_REFUSED}),
        ]
    }
)
_VERDICT_FIELDS = {
    "verdict": {"enum": ["pass", "fail", "unknown"]},
    "total": _object({"percent": _PERCENT, "base": _PERCENT}),
    "diff": _object(
        {
            "percent": _PERCENT,
            "lines": COUNT,
            "missing": _map(_list(COUNT)),
            "partial": _map(_list(COUNT)),
            "unknown": _map(_list(COUNT)),
        }
    ),
    "passed_over": _map(TEXT),
    "projects": _list(OPEN),
    "functions": _list(
        _object({"path": TEXT, "first": COUNT, "last": COUNT, "function": TEXT, "draft": TEXT})
    ),
    "reasons": _list(TEXT),
    "remarks": _list(TEXT),
}
_MEASURE = {
    "commit": TEXT, "base": _maybe(TEXT), "reason": TEXT, "selected": COUNT, "total": COUNT,
    "passed": COUNT, "failed": COUNT, "skipped": COUNT, "executable": COUNT, "covered": COUNT,
    "percent": _PERCENT, "doubts": _list(TEXT), "projects": _list(_PROJECT), "seconds": NUMBER,
    "failing": _list(_object(_FAILING)), "install": _maybe(TEXT),
}  # fmt: skip
_JOB = _object({"kind": TEXT, "subject": TEXT, "error": TEXT})
_QUEUE = _object({"ready": COUNT, "running": COUNT, "done": COUNT, "failed": COUNT})
_LEFT_OUT = {"work": TEXT, "sha": TEXT, "item": TEXT, "error": TEXT, "failed_at": TEXT}
_HEAD = _object(
    {
        "sha": _maybe(TEXT),
        "subject": _maybe(TEXT),
        "measured": YES_OR_NO,
        "percent": _PERCENT,
        "selected": _maybe(COUNT),
        "total": _maybe(COUNT),
        "failed": _maybe(COUNT),
        "doubts": _list(TEXT),
        "projects": _list(_PROJECT),
        "measured_at": _maybe(TEXT),
        "gaps": COUNT,
        "failing": _list(_object(_FAILING)),
        "install": _maybe(TEXT),
    }
)
_MESSAGE = {
    "id": COUNT, "source": TEXT, "thread": TEXT, "url": TEXT, "author": _maybe(TEXT),
    "by_author": YES_OR_NO, "created_at": TEXT, "text": TEXT, "kind": TEXT, "kind_reason": TEXT,
    "tone": TEXT, "tone_probability": _maybe(NUMBER), "reactions": _map(COUNT),
    "answered": YES_OR_NO,
}  # fmt: skip
_TOPIC = _object(
    {
        "name": TEXT, "tagged": YES_OR_NO, "keywords": _list(TEXT), "messages": _list(COUNT),
        "priority": _object(
            {
                "value": NUMBER, "reach": NUMBER, "need": NUMBER, "open": NUMBER,
                "fatigue": NUMBER, "people": COUNT, "needing": COUNT,
                "reach_messages": _list(COUNT), "need_messages": _list(COUNT),
                "open_messages": _list(COUNT), "posts": _list(OPEN),
            }
        ),
    }
)  # fmt: skip
_SCORED = _object(
    {
        "path": TEXT,
        "function": TEXT,
        "probability": NUMBER,
        "reasons": _list(TEXT),
        "outcome": _maybe(COUNT),
    }
)

SCHEMAS: dict[str, Json] = {
    "accept": _DECIDED,
    "ci": _object({**_VERDICT_FIELDS, "failing": _list(_object(_FAILING))}),
    "config": _map(_object({"value": OPEN, "from": TEXT})),
    "coverage": _object({"meta": _object({"version": TEXT}), "files": _map(OPEN), "totals": OPEN}),
    "daemon status": _object(
        {"running": YES_OR_NO, "pid": _maybe(COUNT), "version": _maybe(TEXT)},
        {"prefix": _maybe(TEXT), "started": _maybe(NUMBER)},
    ),
    "doctor": _list(
        _object(
            {
                "name": TEXT, "state": {"enum": ["ok", "note", "wrong"]}, "said": TEXT, "fix": TEXT,
            }
        )
    ),
    "draft": _list(_object(_DRAFT)),
    "drafts": _list(_object(_DRAFT)),
    "edit": _object(_DRAFT, {"changed": YES_OR_NO}),
    "feedback list": _list(_object(_MESSAGE)),
    "feedback show": _object({**_MESSAGE, "answers": _list(_object(_MESSAGE)), "code": OPEN}),
    "feedback topics": _list(_TOPIC),
    "gaps": _list(_object({"commit": TEXT, "first_line": COUNT, "last_line": COUNT, **_GAP})),
    "gate": _object(_VERDICT_FIELDS),
    "log": _list(
        _object(
            {
                "id": COUNT, "draft": COUNT, "kind": TEXT, "title": TEXT, "action": TEXT,
                "why": TEXT, "path": TEXT, "decided_at": TEXT,
            }
        )
    ),
    "log --failures": _object(
        {
            "commit": _maybe(TEXT),
            "failed": _maybe(COUNT),
            "tests": _list(_object({**_FAILING, "output": TEXT})),
            "install": _maybe(TEXT),
            "left_out": _list(_object(_LEFT_OUT)),
        }
    ),
    "log --model": _list(
        _object(
            {
                "id": COUNT, "purpose": TEXT, "model": TEXT, "digest": TEXT, "prompt": TEXT,
                "response": TEXT, "options": OPEN, "prompt_tokens": _maybe(COUNT),
                "output_tokens": _maybe(COUNT), "seconds": NUMBER, "outcome": TEXT,
                "called_at": TEXT, "drafts": _list(OPEN),
            }
        )
    ),
    "log --predictions": _list(
        _object(
            {
                "kind": TEXT, "sha": TEXT, "subject": TEXT, "score": NUMBER, "in_force": TEXT,
                "model": TEXT, "reasons": _list(TEXT), "features": _map(OPEN),
                "made_at": NUMBER, "outcome": _maybe(NUMBER), "outcome_why": _maybe(TEXT),
                "outcome_at": _maybe(NUMBER),
            }
        )
    ),
    "measure": _list(
        {"anyOf": [_object(_MEASURE), _object({"commit": TEXT, **_REFUSED})]}
    ),
    "note": {
        "anyOf": [
            _object({"note": _maybe(COUNT), "story": _maybe(COUNT)}),
            _object({"note": COUNT, "state": {"enum": ["skipped"]}}),  # --skip
            _list(_object({"id": COUNT, "about": TEXT, "question": TEXT})),  # --questions
        ]
    },
    "predict": {
        "anyOf": [
            _object(
                {"in_force": TEXT, "why": _list(TEXT), "model": OPEN},
                {"commit": TEXT, "functions": _list(_SCORED), "after": TEXT, "terms": _list(OPEN)},
            ),
            _list(OPEN),  # of drafts: what each is likely to become
        ]
    },
    "reject": _DECIDED,
    "report": _object(
        {
            "project": TEXT,
            "commit": _object({"sha": TEXT, "subject": TEXT, "author": TEXT, "date": TEXT}),
            "total": _object({"percent": _PERCENT, "covered": COUNT, "executable": COUNT}),
            "tests": _object(
                {
                    "total": COUNT, "selected": COUNT, "passed": COUNT, "failed": COUNT,
                    "skipped": COUNT,
                }
            ),
            "doubts": _list(TEXT),
            "projects": _list(OPEN),
            "history": _list(
                _object({"sha": TEXT, "date": TEXT, "subject": TEXT, "percent": _PERCENT})
            ),
            "gate": _maybe(_object(_VERDICT_FIELDS)),
            "diff": _map(_list(_object({"line": COUNT, "state": TEXT, "tests": _list(TEXT)}))),
            "failing": _list(_object({**_FAILING, "output": TEXT})),
            "gaps": _list(_object(_GAP)),
            "slowest": _list(_object({"test": TEXT, "seconds": NUMBER})),
            "drafts": _list(OPEN),
            "next": _list(_object({"what": TEXT, "command": TEXT})),
        }
    ),
    "send": _list(
        _object(
            {"number": COUNT, "kind": TEXT, "state": TEXT, "body": OPEN},
            {"thread_id": _maybe(TEXT), "message_id": _maybe(TEXT), "sent_at": _maybe(TEXT)},
        )
    ),
    "show": _object(_DRAFT),
    "status": _object(
        {
            "repository": TEXT,
            "set_up": YES_OR_NO,
            "daemon": _object(
                {"running": YES_OR_NO, "pid": _maybe(COUNT), "version": _maybe(TEXT)}
            ),
            "paused": _maybe(TEXT),
            "queue": _QUEUE,
            "failures": _list(_JOB),
            "left_out": _list(_object(_LEFT_OUT)),
            "head": _HEAD,
            "tests": _list(
                _object({"sha": TEXT, "tests": COUNT, "ended": COUNT, "failed": _list(TEXT)})
            ),
            "flaky": _list(_object({"test": TEXT, "flips": COUNT, "runs": COUNT})),
            "drafts": _map(COUNT),
            "model": _object(
                {
                    "available": YES_OR_NO, "name": _maybe(TEXT), "why": _maybe(TEXT),
                    "totals": _list(OPEN),
                }
            ),
            "pull": _maybe(
                _object(
                    {
                        "every_hours": NUMBER, "last_at": _maybe(TEXT), "next_at": _maybe(TEXT),
                        "problem": _maybe(TEXT),
                    }
                )
            ),
        }
    ),
    "story": _maybe(_object(_DRAFT)),
    "train": _object({}),
    "undo": _DECIDED,
    "voice": _map(
        _object({"value": OPEN, "learnt": OPEN, "evidence": TEXT, "chosen": YES_OR_NO})
    ),
    "wait": _object({"done": YES_OR_NO, "queue": _QUEUE, "failures": _list(_JOB)}),
}  # fmt: skip
"""By command, with the option that changes what it prints where one does."""


def schema(command: str) -> Json:
    """The schema of a command's answer, as a document of its own.

    Args:
        command: As in `SCHEMAS`, for example "status" or "log --failures".

    Raises:
        KeyError: No schema is published for it.
    """
    title = f"copydesk {command} --json"
    return {"$schema": _DIALECT, "title": title, **SCHEMAS[command]}


def file_name(command: str) -> str:
    """What the file of a command's schema is called: "log-failures.schema.json"."""
    return f"{command.replace(' --', '-').replace(' ', '-')}.schema.json"


def file_text(command: str) -> str:
    """The content of that file."""
    return json.dumps(schema(command), indent=1) + "\n"


if __name__ == "__main__":
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    for name in SCHEMAS:
        (folder / file_name(name)).write_text(file_text(name), "utf-8")
