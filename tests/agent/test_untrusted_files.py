from __future__ import annotations

import os
from pathlib import Path

import pytest

from copydesk.agent.untrusted_files import copy_untrusted, read_untrusted


def test_only_a_regular_file_is_read(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("key")
    assert read_untrusted(secret) == b"key"
    (tmp_path / "link").symlink_to(secret)
    os.mkfifo(tmp_path / "pipe")
    for name in ("link", "pipe", "gone"):
        with pytest.raises(OSError, match=r"."):
            read_untrusted(tmp_path / name)
    with pytest.raises(OSError, match="more than 2"):
        read_untrusted(secret, 2)


def test_a_folder_is_copied_without_its_links(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("key")
    source, target = tmp_path / "html", tmp_path / "out"
    (source / "css").mkdir(parents=True)
    (source / "index.html").write_text("page")
    (source / "css/style.css").write_text("style")
    (source / "css/link.css").symlink_to(tmp_path / "secret")
    (source / "folder").symlink_to(tmp_path)
    copy_untrusted(source, target)
    copied = {str(p.relative_to(target)) for p in target.rglob("*") if p.is_file()}
    assert copied == {"index.html", "css/style.css"}
    copy_untrusted(source / "index.html", tmp_path / "one.html")
    assert (tmp_path / "one.html").read_text() == "page"
    (tmp_path / "as-folder").symlink_to(source)
    with pytest.raises(OSError, match=r"."):
        copy_untrusted(tmp_path / "as-folder", tmp_path / "out2")
