"""One model server for the daemon, the hooks and every shell, wherever $OLLAMA_HOST is set."""

from __future__ import annotations

import os
from collections.abc import Mapping

from copydesk.agent import config
from copydesk.agent.errors import CopydeskError
from copydesk.agent.git.repository import Repository, get_config, set_config
from copydesk.agent.model.hosts import parse_host

OLLAMA_HOST = "OLLAMA_HOST"


def record_host(repo: Repository, environ: Mapping[str, str] = os.environ) -> str:
    """Keep what $OLLAMA_HOST is here, where nothing is set or kept yet; what was kept, or "".

    Without it a daemon that a hook of another shell starts would ask another server.
    """
    here = environ.get(OLLAMA_HOST, "").strip()
    keys = (config.PERSONAL_KEYS["model_host"], config.RECORDED_HOST)
    if not here or any(get_config(repo, key) is not None for key in keys):
        return ""
    set_config(repo, config.RECORDED_HOST, here)
    return here


def host_difference(host: str, source: str, environ: Mapping[str, str] = os.environ) -> str:
    """How $OLLAMA_HOST of this shell and the daemon's server differ, in words; "" if they do not.

    Args:
        host: The server in force here.
        source: Where that is set, as config.Config.sources names it.
        environ: The shell's environment.
    """
    here = environ.get(OLLAMA_HOST, "")
    if not here or source == f"git config {config.PERSONAL_KEYS['model_host']}":
        return ""  # what the user set for copydesk is meant
    if source == f"${OLLAMA_HOST}":  # nothing is set or recorded: no daemon has met it
        daemon, where = "", "the default"
    else:
        daemon, where = host, source
    try:
        theirs, ours = parse_host(daemon).url, parse_host(here).url
    except CopydeskError as error:
        return str(error)
    if theirs == ours:
        return ""
    return f"this shell has OLLAMA_HOST={here}, but the daemon asks {theirs} ({where})"


def cure(environ: Mapping[str, str] = os.environ) -> str:
    """The command that makes all of them ask the server of this shell."""
    return f"copydesk config --set model_host={environ.get(OLLAMA_HOST, '')}"
