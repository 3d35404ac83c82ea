"""What goes wrong with a scripted Ollama once it has begun to answer; see ollama_server.py."""

from __future__ import annotations

import contextlib
import json
import socket
from typing import Any

from ollama_script import Reply

MIDWAY = "an error was encountered while running the model: EOF"
DRAWN_OUT = ("stall", "drip")
END = {
    # fault: how a call ends and after how many requests, streamed and in one piece
    "down": ("unavailable", 0, "unavailable", 0),
    "http500": ("crashed", 2, "crashed", 2),
    "http503": ("busy", 2, "busy", 2),
    "oom": ("out_of_memory", 1, "out_of_memory", 1),  # the smallest context already
    "loadoom": ("out_of_memory", 1, "out_of_memory", 1),
    "oomkill": ("out_of_memory", 1, "out_of_memory", 1),
    "loadcrash": ("crashed", 2, "crashed", 2),
    "gone": ("missing", 1, "missing", 1),
    "cloudoff": ("refused", 1, "refused", 1),
    "nothink": ("refused", 1, "refused", 1),
    "toolong": ("overflow", 2, "overflow", 2),
    "halved": ("truncated", 1, "truncated", 1),
    "toobig": ("overflow", 1, "overflow", 1),
    "slowload": ("slow", 1, "slow", 1),
    "queued": ("busy", 1, "slow", 1),
    "frozen": ("slow", 1, "slow", 1),
    "stall": ("stalled", 2, "slow", 1),
    "drip": ("too_long", 1, "too_long", 1),
    "killed": ("died", 2, "died", 2),
    "miderror": ("crashed", 2, "crashed", 2),
    "badline": ("garbled", 2, "garbled", 2),
    "emptyline": ("garbled", 2, "garbled", 2),
    "nomessage": ("not_ollama", 1, "not_ollama", 1),
    "nodone": ("unfinished", 2, "unfinished", 2),
    "endless": ("endless", 2, "cut", 1),  # nothing but num_predict ends it
    "empty": ("empty", 2, "empty", 2),
    "thoughtless": ("cut_off", 2, "cut_off", 2),
    "blanks": ("ok", 1, "ok", 1),
    "truncjson": ("cut_off", 2, "cut_off", 2),
    "wrongschema": ("wrong_schema", 2, "wrong_schema", 2),
    "fenced": ("ok", 1, "ok", 1),
    "html502": ("not_ollama", 1, "not_ollama", 1),
    "notobject": ("not_ollama", 1, "not_ollama", 1),
    "redirect": ("not_ollama", 1, "not_ollama", 1),
    "remotechunk": ("remote", 1, "remote", 1),
}
SHAPED = ("blanks", "truncjson", "wrongschema", "fenced")
"""Faults of answers that were to have a shape."""


def midway(handler: Any, reply: Reply) -> bool:
    """Play a fault after a piece of a stream was sent; True when the reply is over."""
    fault = reply.fault
    if fault == "stall":
        hold(handler)
    elif fault == "drip":  # bytes without end, but never a whole line
        hold(handler, lambda: handler.chunk(b" "))
    elif fault == "miderror":
        handler.line({"error": MIDWAY})
        handler.end_stream()
        return True
    elif fault == "badline":
        handler.chunk(b'{"model": "x", "mess\n')
        handler.end_stream()
        return True
    elif fault == "emptyline":
        handler.chunk(b"\n")
    if fault not in ("killed", *DRAWN_OUT):
        return False
    _hang_up(handler)
    return True


def whole(handler: Any, reply: Reply, value: dict[str, Any]) -> bool:
    """Play the same fault where the answer comes in one piece; True when the reply is over."""
    fault, raw = reply.fault, json.dumps(value).encode()
    if fault == "miderror":
        handler.json(500, {"error": MIDWAY})
    elif fault in ("badline", "emptyline"):
        handler.plain(200, raw[: len(raw) // 2] if fault == "badline" else b"\n")
    elif fault == "stall":
        hold(handler)
        _hang_up(handler)
    elif fault in ("killed", "drip"):
        handler.head(200, "application/json", len(raw) + 100_000)
        handler.wfile.write(raw[:1])
        if fault == "drip":
            hold(handler, lambda: handler.wfile.write(b" "))
        _hang_up(handler)
    else:
        return False
    return True


def hold(handler: Any, beat: Any = lambda: None) -> None:
    """Go on until the client has gone or the server closes."""
    while not handler.script.closing.wait(0.02) and not handler.hung_up():
        beat()


def _hang_up(handler: Any) -> None:
    with contextlib.suppress(OSError):
        handler.connection.shutdown(socket.SHUT_RDWR)
    handler.close_connection = True
