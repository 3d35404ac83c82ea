"""Where the model server is: $OLLAMA_HOST in all its spellings, and whether it is this machine."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from urllib.parse import urlsplit

from copydesk.agent.model.faults import ModelUnavailable

_ANYWHERE = {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1"}
_PORTS = {"http": 80, "https": 443}
_NAME = re.compile(r"[a-z0-9._-]*|[0-9a-f:.]+(%[a-z0-9_.-]+)?")
DEFAULT_PORT = 11434


@dataclass(frozen=True, slots=True)
class Host:
    """The address of a model server."""

    scheme: str
    name: str
    port: int
    path: str = ""

    @property
    def url(self) -> str:
        """The address in the one spelling that every library reads the same way."""
        name = f"[{self.name}]" if ":" in self.name else self.name
        return f"{self.scheme}://{name}:{self.port}{self.path}"

    @property
    def is_loopback(self) -> bool:
        """Whether the name can only mean this machine; an odd spelling counts as remote."""
        if self.name == "localhost":
            return True
        try:
            address = ipaddress.ip_address(self.name)
        except ValueError:
            return False
        mapped = getattr(address, "ipv4_mapped", None)
        return (mapped or address).is_loopback


def parse_host(raw: str | None) -> Host:
    """Read an address the way Ollama's server does, not as its Python client does.

    The client leaves 0.0.0.0 as it is, keeps quotes and blanks, and fails on a bare ::1
    (ollama 0.6.3 against envconfig.Host() of the server).

    Args:
        raw: "", "host", "host:port", ":port", "::1", "[::1]:port" or a URL; None for the default.

    Raises:
        ModelUnavailable: It is no address, or it carries a password.
    """
    text = (raw or "").strip().strip("\"'").strip()
    scheme, separator, after = text.partition("://")
    if not separator:
        scheme, after = "http", text
    scheme = scheme.lower()
    if scheme not in _PORTS:
        raise _bad(text)
    address, _, path = after.partition("/")
    if not re.fullmatch(r"[\w./~-]*", path, re.ASCII):
        raise _bad(text)
    name, port = _name_and_port(scheme, address, text)
    default = _PORTS[scheme] if separator else DEFAULT_PORT
    path = path.strip("/")
    return Host(scheme, _ANYWHERE.get(name, name), port or default, f"/{path}" if path else "")


def _name_and_port(scheme: str, address: str, text: str) -> tuple[str, int | None]:
    """The name and the port of "host:port"; either may be left out.

    Args:
        scheme: http or https.
        address: What stands before the first slash.
        text: The whole, for the message.
    """
    if address.count(":") > 1 and not address.startswith("["):
        address = f"[{address}]"  # a bare IPv6 address
    try:
        parts = urlsplit(f"{scheme}://{address}")
        name, port = parts.hostname or "", parts.port
    except ValueError:
        raise _bad(text) from None
    has_more = parts.username is not None or parts.netloc != address
    if has_more or port == 0 or not _NAME.fullmatch(name):
        raise _bad(text)
    return name, port


def allowed_host(raw: str | None, allow_remote: bool) -> Host:
    """The host, if prompts may go there.

    Raises:
        ModelUnavailable: It is not this machine and the user has not allowed others.
    """
    host = parse_host(raw)
    if not (host.is_loopback or allow_remote):
        raise ModelUnavailable(
            f"the model server {host.url} is not on this machine",
            slug="model-host-remote",
            hint="copydesk config --set allow_remote=yes, if your code may be sent there",
        )
    return host


def _bad(text: str) -> ModelUnavailable:
    return ModelUnavailable(
        f"{text[:80]!r} is not the address of a model server",
        slug="model-host-invalid",
        hint="copydesk config --set model_host=127.0.0.1:11434",
    )
