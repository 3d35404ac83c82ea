"""What may not leave the laptop, and what it is recognised by."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from copydesk.agent.model.client import available, connect
from copydesk.agent.model.faults import ModelUnavailable
from copydesk.agent.model.hosts import allowed_host, parse_host
from copydesk.agent.model.privacy import HIDDEN, hide_secrets, local_name, refuse_cloud
from copydesk.agent.model.types import ModelSettings

Serve = Callable[..., Any]


@pytest.mark.parametrize(
    ("raw", "url"),
    [
        (None, "http://127.0.0.1:11434"),
        ("", "http://127.0.0.1:11434"),
        (" 127.0.0.1 ", "http://127.0.0.1:11434"),
        ('"127.0.0.1:11434"', "http://127.0.0.1:11434"),
        ("0.0.0.0", "http://127.0.0.1:11434"),
        ("0.0.0.0:5000", "http://127.0.0.1:5000"),
        (":56789", "http://127.0.0.1:56789"),
        ("::1", "http://[::1]:11434"),
        ("::", "http://[::1]:11434"),
        ("[::1]:80", "http://[::1]:80"),
        ("localhost", "http://localhost:11434"),
        ("LOCALHOST:1", "http://localhost:1"),
        ("http://localhost", "http://localhost:80"),
        ("https://localhost/ollama/", "https://localhost:443/ollama"),
    ],
)
def test_hosts_of_this_machine(raw: str | None, url: str) -> None:
    host = parse_host(raw)
    assert host.url == url
    assert host.is_loopback


@pytest.mark.parametrize(
    "raw",
    [
        *("192.168.1.5", "ollama.com", "http://10.0.0.1", "localhost.evil.example"),
        *("127.0.0.1.nip.io", "2130706433", "127.1", "[fe80::1]", "::ffff:8.8.8.8"),
    ],
)
def test_other_machines_are_refused_unless_allowed(raw: str) -> None:
    with pytest.raises(ModelUnavailable) as caught:
        allowed_host(raw, allow_remote=False)
    assert caught.value.slug == "model-host-remote"
    assert allowed_host(raw, allow_remote=True).url
    ok, _, reason = available(ModelSettings(host=raw))
    assert not ok
    assert "not on this machine" in reason


def test_a_mapped_loopback_address_is_this_machine() -> None:
    assert parse_host("::ffff:127.0.0.1").is_loopback


@pytest.mark.parametrize(
    "raw",
    [
        *("ftp://localhost", "file:///etc/passwd", "http://user:word@localhost", "localhost:99999"),
        *("localhost:0", "local host", "http://localhost?x=1", "host:port", "[::1", "a\x00b"),
    ],
)
def test_what_is_no_address_is_said(raw: str) -> None:
    with pytest.raises(ModelUnavailable) as caught:
        parse_host(raw)
    assert caught.value.slug == "model-host-invalid"


@given(st.text())
def test_any_text_is_a_host_or_refused(raw: str) -> None:
    try:
        host = parse_host(raw)
    except ModelUnavailable:
        return
    assert parse_host(host.url) == host


def test_a_foreign_host_in_the_environment_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OLLAMA_HOST", "https://models.example.com")
    with pytest.raises(ModelUnavailable, match="not on this machine"):
        connect(ModelSettings())


@pytest.mark.parametrize(
    "name", ["gpt-oss:120b-cloud", "kimi:CLOUD", "x:cloud:local", " deepseek-v3.1:671b-cloud "]
)
def test_cloud_names_are_refused(serve: Serve, ollama_server: Any, name: str) -> None:
    with pytest.raises(ModelUnavailable) as caught:
        refuse_cloud(name)
    assert caught.value.slug == "model-remote"
    script = serve(models=[ollama_server.Model(name)])
    for wanted in (name, None):
        with pytest.raises(ModelUnavailable):
            connect(ModelSettings(host=script.host, model=wanted))
    assert script.asked == []


@pytest.mark.parametrize("name", ["cloudy:7b", "cloud:7b", "my-cloud-coder:7b", "a/cloud-x:1b"])
def test_names_that_only_sound_like_it_are_fine(name: str) -> None:
    refuse_cloud(name)


@pytest.mark.parametrize(
    "remote", [{"remote_host": "https://ollama.com"}, {"remote_model": "gpt-oss:120b"}]
)
def test_a_local_name_for_a_remote_model_is_refused(
    serve: Serve, ollama_server: Any, remote: dict[str, str]
) -> None:
    script = serve(models=[ollama_server.Model("mine:latest", **remote)])
    with pytest.raises(ModelUnavailable) as caught:
        connect(ModelSettings(host=script.host, model="mine"))
    assert caught.value.slug == "model-remote"
    with pytest.raises(ModelUnavailable) as caught:
        connect(ModelSettings(host=script.host))
    assert caught.value.slug == "no-model"
    assert script.asked == []


def test_a_model_that_only_show_calls_remote_is_refused(serve: Serve, ollama_server: Any) -> None:
    hidden = ollama_server.Model("mine:latest")
    script = serve(models=[hidden])
    tell = ollama_server.Model("mine:latest", remote_host="https://ollama.com")
    script.find = lambda _name: tell
    with pytest.raises(ModelUnavailable) as caught:
        connect(ModelSettings(host=script.host, model="mine"))
    assert caught.value.slug == "model-remote"
    with pytest.raises(ModelUnavailable) as caught:
        connect(ModelSettings(host=script.host))
    assert caught.value.slug == "no-model"


@pytest.mark.parametrize(
    ("name", "version", "sent"),
    [
        ("a:7b", (0, 33, 0), "a:7b:local"),
        ("a", (0, 18), "a:latest:local"),
        ("hub/a", (0, 18, 1), "hub/a:latest:local"),
        ("a:7b", (0, 17, 9), "a:7b"),
        ("a:local", (0, 33), "a:local"),
    ],
)
def test_the_name_on_the_wire(name: str, version: tuple[int, ...], sent: str) -> None:
    assert local_name(name, version) == sent


SECRETS = [
    "ya29.a0AfH6SMB" + "x1Y2" * 6,
    "whsec_" + "a1B2" * 8,
    "123456789:AA" + "Hd_q" * 8,
    "SG." + "a1B2" * 5 + "." + "c3D4" * 10,
    "AKIA" + "ABCDEFGH12345678",
    "ghp_" + "a1B2" * 9,
    "github_pat_" + "a1B2_" * 9,
    "glpat-" + "x" * 20,
    "xoxb-" + "1234567890-abc",
    "AIza" + "b" * 35,
    "sk_live_" + "c" * 24,
    "sk-" + "d" * 40,
    "sk-ant-" + "e" * 30,
    "hf_" + "f" * 30,
    "pypi-" + "g" * 40,
    "eyJhbGciOiJIUzI1NiJ9." + "eyJzdWIiOiIxMjM0NTY3ODkwIn0." + "abc_def",
    "-----BEGIN RSA PRIVATE KEY-----\nMIIE\nabc\n-----END RSA PRIVATE KEY-----",
]


@pytest.mark.parametrize("secret", SECRETS)
def test_secrets_are_known_by_their_shape(secret: str) -> None:
    text = hide_secrets(f"before {secret} after")
    assert secret not in text
    assert text == f"before {HIDDEN} after"


@pytest.mark.parametrize(
    ("line", "hidden"),
    [
        ('password = "correct horse"', 'password = "[hidden]"'),
        ("API_KEY: str = 'abcdef123456'", "API_KEY: str = '[hidden]'"),
        ('os.environ["API_TOKEN"] = "abcdef123456"', 'os.environ["API_TOKEN"] = "[hidden]"'),
        ('os.getenv("API_TOKEN", "abcdef123456")', 'os.getenv("API_TOKEN", "[hidden]")'),
        ("Authorization: token abcdef0123456789abcdef", "Authorization: token [hidden]"),
        ("AccountKey=abcdefghijklmnopqrst0123456789==;", "AccountKey=[hidden];"),
        (
            "https://hooks.slack.com/services/T00/B00/abcdEFGHijkl",
            "https://hooks.slack.com/services/[hidden]",
        ),
        ('parse(token, "while True")', 'parse(token, "while True")'),
        ('{"client_secret": "s3cr3ts3cr3t"}', '{"client_secret": "[hidden]"}'),
        ("DB_PASSWORD=hunter22", "DB_PASSWORD=[hidden]"),
        ("export GITHUB_TOKEN=abcd1234", "export GITHUB_TOKEN=[hidden]"),
        ("postgres://bob:s3cret@db/x", "postgres://bob:[hidden]@db/x"),
        ("Authorization: Bearer abcdefghijklmnop1234", "Authorization: Bearer [hidden]"),
        (
            "https://discord.com/api/webhooks/123/abc-DEF",
            "https://discord.com/api/webhooks/[hidden]",
        ),
    ],
)
def test_secrets_are_known_by_their_place(line: str, hidden: str) -> None:
    assert hide_secrets(f"x = 1\n{line}\ny = 2") == f"x = 1\n{hidden}\ny = 2"


@pytest.mark.parametrize(
    "line",
    [
        "token = next(tokens)",
        'TOKEN=os.environ["TOKEN"]',
        "def check(password: str, secret=None) -> bool:",
        'if token == "(":',
        'tokens = ["a", "b"]',
        "https://example.com/a:b",
        "for key in keys: pass",
    ],
)
def test_ordinary_code_stays(line: str) -> None:
    assert hide_secrets(line) == line


@given(st.lists(st.sampled_from([*SECRETS, "token=", '"', "'", "\n", "x", " ", "password: "])))
def test_hiding_twice_changes_nothing_more(parts: list[str]) -> None:
    once = hide_secrets("".join(parts))
    assert hide_secrets(once) == once


@pytest.mark.parametrize(
    "piece", ["_password", "SECRET_", "password ", "a.", "secret=''", "a://b:", "token:a ", "eyJ"]
)
def test_a_text_made_to_be_slow_is_not(piece: str) -> None:
    started = time.process_time()
    hide_secrets(piece * (100_000 // len(piece)))
    assert time.process_time() - started < 2
