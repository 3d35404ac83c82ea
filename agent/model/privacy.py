"""Nothing leaves the laptop: remote models are refused, secrets are hidden from prompts."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from copydesk.agent.model.faults import ModelUnavailable

HIDDEN: Final = "[hidden]"

_CLOUD = re.compile(r"(:|-)cloud(:local)?$")

_NAMES = (
    r"(?:pass(?:word|wd|phrase)?|pwd|secret|token|api_?key|access_?key|private_?key"
    r"|credentials?|dsn)"
)
_SHAPES: Final[tuple[tuple[re.Pattern[str], str], ...]] = (
    # whole things that are secret by their shape
    (
        re.compile(
            r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)", re.S
        ),
        HIDDEN,
    ),
    (
        re.compile(
            r"\b(?:(?:AKIA|ASIA)[0-9A-Z]{16}"  # Amazon
            r"|gh[pousr]_[A-Za-z0-9]{20,}|github_pat_[A-Za-z0-9_]{20,}|glpat-[\w-]{16,}"
            r"|xox[abeoprs]-[A-Za-z0-9-]{10,}|AIza[\w-]{30,}|(?:sk|pk|rk)[-_](?:live|test|proj|ant)"
            r"[-_][\w-]{12,}|sk-[A-Za-z0-9]{20,}|hf_[A-Za-z0-9]{20,}|npm_[A-Za-z0-9]{30,}"
            r"|ya29\.[\w-]{20,}|whsec_[A-Za-z0-9]{20,}|SG\.[\w-]{16,}\.[\w-]{30,}"
            r"|[0-9]{8,10}:AA[\w-]{30,}"  # a Telegram bot
            r"|pypi-[\w-]{30,}|eyJ[\w-]{10,}\.eyJ[\w-]{10,}\.[\w-]*)"
        ),
        HIDDEN,
    ),
    (
        re.compile(r"(https://(?:\w+\.)?discord(?:app)?\.com/api/webhooks/)[\w/-]+"),
        rf"\1{HIDDEN}",
    ),
    (re.compile(r"(https://hooks\.slack\.com/(?:services|workflows)/)[\w/-]+"), rf"\1{HIDDEN}"),
    (re.compile(r"(\b(?:Account|SharedAccess)Key=)[A-Za-z0-9+/]{20,}=*"), rf"\1{HIDDEN}"),
    (
        re.compile(r"(\b[a-z][a-z0-9+.-]{0,20}://[^\s:/@'\"]+:)[^\s@/'\"]+(?=@)", re.I),
        rf"\1{HIDDEN}",
    ),
    (
        re.compile(r"(\b(?:Bearer|Basic|Authorization:\s*token)\s+)[A-Za-z0-9._~+/-]{16,}=*"),
        rf"\1{HIDDEN}",
    ),
    # a quoted text that is given to a telling name: x = "", {"x": ""}, e["x"] = "", get("x", "")
    (
        re.compile(
            rf"(\b\w{{0,40}}{_NAMES}\w{{0,40}}(?:[\"']\s{{0,9}}\]?|)\s{{0,9}}"
            r"(?::\s{0,9}\w{1,40}\s{0,9})?(?:[:=]|(?<=[\"']),)\s{0,9}[bru]?)"
            r"([\"'])(?!\[hidden\])(?:(?!\2)[^\\\n]|\\.){6,}\2",
            re.I,
        ),
        rf"\1\2{HIDDEN}\2",
    ),
    # a line of a .env file
    (
        re.compile(
            rf"^((?:export\s+)?[A-Z0-9_]{{0,40}}{_NAMES.upper()}[A-Z0-9_]{{0,40}}=)"
            r"(?![\"']?\[hidden\])[^\s()\[\]\"']{4,}$",
            re.M,
        ),
        rf"\1{HIDDEN}",
    ),
)


def hide_secrets(text: str) -> str:
    """Replace what looks like a key, a token or a password by [hidden].

    A local model keeps nothing, but its prompts and answers are logged on the desk, and an
    answer may repeat them in a draft. Doing it twice changes nothing more.
    """
    before = ""
    while before != text:  # hiding one may bare the border of the next
        before = text
        for pattern, instead in _SHAPES:
            text = pattern.sub(instead, text)
    return text


def refuse_cloud(name: str) -> None:
    """Refuse a name that Ollama sends to its own servers, installed or not.

    Raises:
        ModelUnavailable: The name ends in :cloud or -cloud.
    """
    if _CLOUD.search(name.strip().lower()):
        raise remote_model(name)


def is_remote(record: Mapping[str, object]) -> bool:
    """Whether a raw entry of /api/tags or /api/show stands for a model on another machine.

    The ollama package drops these fields, so only the raw JSON tells.
    """
    return bool(record.get("remote_host") or record.get("remote_model"))


def remote_model(name: str) -> ModelUnavailable:
    """The refusal of a model that runs elsewhere."""
    return ModelUnavailable(
        f"the model {name} runs on another machine, not on this one",
        slug="model-remote",
        hint="name a local one as `model` under [tool.copydesk]; `ollama list` shows them",
    )


def full_name(name: str) -> str:
    """The name with its tag, as /api/tags lists it."""
    return name if ":" in name.rsplit("/", 1)[-1] else f"{name}:latest"


def same_model(name: str, other: str) -> bool:
    """Whether a server takes two names for one model: in any case, with and without `library/`,
    `:latest` and `:local`."""
    return _plain_name(name) == _plain_name(other)


def _plain_name(name: str) -> str:
    short = name.lower().removeprefix("registry.ollama.ai/").removeprefix("library/")
    return full_name(short.removesuffix(":local"))


def local_name(name: str, version: tuple[int, ...]) -> str:
    """The name on the wire: with :local, which makes a server >= 0.18 refuse a remote model."""
    full = full_name(name)
    return full if version < (0, 18) or full.endswith(":local") else f"{full}:local"
