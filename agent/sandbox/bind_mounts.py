"""Folders that only root may reach, shown to the sandbox all the same.

bubblewrap must not be run by real root: with uid 0 it could write /proc/sys/kernel/core_pattern
and fork without limit. So root becomes nobody first, and then cannot pass through a folder such
as /root any more, where the interpreter or the desk may lie. (--ro-bind-fd does not help: it
resolves the path behind the descriptor as the user it runs as.) Therefore, while still root, the
folders are bound at a reachable place in a mount namespace that only the calling thread and what
it starts can see.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path

NOBODY = 65534
"""The user and group that a run of root's becomes."""

_CLONE_NEWNS = 0x00020000
_MS_BIND, _MS_REC, _MS_PRIVATE = 4096, 16384, 1 << 18
_PLACES = ("/mnt", "/media", "/srv", "/opt", "/tmp")


def bind_for_nobody(sources: Sequence[Path], places: Sequence[str] = _PLACES) -> dict[Path, Path]:
    """Bind-mount each source below a folder that every user may enter.

    Moves the calling thread, for the rest of its life, into a mount namespace of its own: call
    it in a thread made for the purpose. Needs CAP_SYS_ADMIN.

    Args:
        sources: Files and folders.
        places: Folders of which the first that exists is covered in the new namespace.

    Returns:
        Where each source can be found from now on in this thread and its children.

    Raises:
        OSError: The kernel refuses a namespace or a mount, or a source does not exist.
    """
    mount = _enter_mount_namespace()
    cover = next(Path(name) for name in places if _open_to_all(Path(name)))
    mount("none", "/", None, _MS_REC | _MS_PRIVATE, None)
    opened = [(source, os.open(source, os.O_PATH)) for source in dict.fromkeys(sources)]
    try:
        mount("copydesk", str(cover), "tmpfs", 0, "mode=0755,size=1m")
        reachable = {}
        for number, (source, fd) in enumerate(opened):
            target = cover / str(number)
            target.mkdir() if source.is_dir() else target.touch()
            mount(f"/proc/self/fd/{fd}", str(target), None, _MS_BIND | _MS_REC, None)
            reachable[source] = target
        return reachable
    finally:
        for _, fd in opened:
            os.close(fd)


_Mount = Callable[[str, str, str | None, int, str | None], None]


def _enter_mount_namespace() -> _Mount:
    import ctypes  # eight milliseconds that only root has to spend

    libc = ctypes.CDLL(None, use_errno=True)

    def checked(result: int, action: str) -> None:
        if result:
            number = ctypes.get_errno()
            raise OSError(number, os.strerror(number), action)

    def mount(source: str, target: str, kind: str | None, flags: int, options: str | None) -> None:
        def encoded(text: str | None) -> bytes | None:
            return None if text is None else os.fsencode(text)

        arguments = (encoded(source), encoded(target), encoded(kind), ctypes.c_ulong(flags))
        checked(libc.mount(*arguments, encoded(options)), target)

    checked(libc.unshare(_CLONE_NEWNS), "mount namespace")
    return mount


def _open_to_all(folder: Path) -> bool:
    return folder.is_dir() and folder.stat().st_mode & 0o001 == 1
