"""Source is read as Python reads it."""

from __future__ import annotations

import ast
import codecs

import pytest
from hypothesis import given
from hypothesis import strategies as st

from copydesk.agent.source_text import decode_source, encode_source, encoding_of, undecodable

SOURCES = {
    "latin-1": b"# -*- coding: latin-1 -*-\nname = 'caf\xe9'\n",
    "second line": b"#!/usr/bin/python\xe9\n# vim: set fileencoding=latin-1 :\nname = 'caf\xe9'\n",
    "shift_jis": "# coding: shift_jis\nname = 'ソ表'\n".encode("shift_jis"),
    "lone carriage returns": b"# coding: cp1252\rname = '\x80'\rother = 1\r",
    "byte order mark": codecs.BOM_UTF8 + "name = 'é'\n".encode(),
    "byte order mark, declared": codecs.BOM_UTF8 + "# coding: utf-8\nname = 'é'\n".encode(),
    "declared too late": b"a = 1\nb = 2\n# coding: latin-1\n",
    "no comment": b"name = 'coding: latin-1'\n",
}
BROKEN = {
    "no UTF-8": b"name = 'caf\xe9'\n",
    "unknown": b"# coding: klingon\nname = 1\n",
    "contradicting": codecs.BOM_UTF8 + b"# coding: latin-1\nname = 1\n",
    "not what is declared": b"# coding: ascii\nname = '\xe9'\n",
    "no text encoding": b"# coding: zlib\nname = 1\n",
}


@pytest.mark.parametrize("content", SOURCES.values(), ids=SOURCES)
def test_a_source_is_decoded_as_python_decodes_it(content: bytes) -> None:
    assert ast.dump(ast.parse(decode_source(content))) == ast.dump(ast.parse(content))
    assert not undecodable(content)


@pytest.mark.parametrize("content", BROKEN.values(), ids=BROKEN)
def test_what_python_cannot_decode_is_text_that_cannot_be_parsed(content: bytes) -> None:
    with pytest.raises(SyntaxError):
        compile(content, "m.py", "exec")
    with pytest.raises(ValueError, match="surrogates"):
        ast.parse(decode_source(content))
    assert undecodable(content)


def test_the_reason_names_the_line() -> None:
    assert undecodable(b"a = 1\nb = '\xe9'\n") == "line 2 holds bytes that are no utf-8"


@given(st.binary(max_size=60) | st.sampled_from([*SOURCES.values(), *BROKEN.values()]))
def test_no_bytes_are_too_odd_to_be_read(content: bytes) -> None:
    text = decode_source(content)
    assert "\r" not in text
    try:
        tree = ast.parse(content)
    except (SyntaxError, ValueError):
        return
    assert ast.dump(ast.parse(text)) == ast.dump(tree)


@given(st.sampled_from(["latin-1", "utf-8", "shift_jis", "koi8-r"]))
def test_the_encoding_is_the_declared_one(name: str) -> None:
    found = encoding_of(f"# coding={name}\n".encode())
    assert codecs.lookup(found).name == codecs.lookup(name).name


@pytest.mark.parametrize("name", ["latin-1", "shift_jis", "utf-8"])
def test_a_text_goes_back_into_the_encoding_it_declares(name: str) -> None:
    content = f"# coding: {name}\nname = '{'表' if name == 'shift_jis' else 'é'}'\n".encode(name)
    assert encode_source(decode_source(content)) == content
    assert encode_source("name = 'é'\n") == "name = 'é'\n".encode()
    assert encode_source("# coding: ascii\n'é'\n") == "# coding: ascii\n'é'\n".encode()
