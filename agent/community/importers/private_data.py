"""Mail and IP addresses in what people wrote: taken out before anything is stored."""

from __future__ import annotations

import ipaddress
import re

_MAIL = re.compile(r"(?<![\w.+-])[\w.+-]{1,64}@(?:[\w-]{1,63}\.)+[A-Za-z]{2,24}(?![\w-])")
_IPV4 = re.compile(r"(?<![\w.])\d{1,3}(?:\.\d{1,3}){3}(?![\w.]*\d)")
_IPV6 = re.compile(r"(?<![\w:])(?:[0-9A-Fa-f]{0,4}:){2,7}[0-9A-Fa-f]{0,4}(?![\w:])")


def without_addresses(text: str) -> str:
    """A text with `[mail]` and `[address]` where mail and public IP addresses stood.

    Loopback, private and reserved IP addresses name nobody and stay, as does what only looks
    like an address: the version 1.2.3.4 lies in a public range and is lost.
    """
    if "@" in text:
        text = _MAIL.sub("[mail]", text)
    if "." in text:
        text = _IPV4.sub(_masked, text)
    if ":" in text:
        text = _IPV6.sub(_masked, text)
    return text


def _masked(match: re.Match[str]) -> str:
    try:
        address = ipaddress.ip_address(match[0])
    except ValueError:
        return match[0]
    return "[address]" if address.is_global else match[0]
