"""Places that differ from the sandbox in all that a place is."""

from __future__ import annotations

from typing import Dict, NamedTuple, Tuple


class Place(NamedTuple):
    """A machine, a user on it, and how that user starts pytest.

    Attributes:
        user: The user's name.
        user_id: The user's number.
        host: The machine's name.
        home: The user's home.
        temporary: Where temporary files go.
        folder: The folder that the project's copy stands in.
        umask: What new files are not given.
        open_files: How many files may be open at once.
        processors: How many processors there are.
        variables: Variables of the environment.
        unset: Those that are not there.
        options: How pytest is told to report and to capture.
        arguments: How pytest was started: what sys.argv holds, in several ways.
    """

    user: str
    user_id: int
    host: str
    home: str
    temporary: str
    folder: str
    umask: int
    open_files: int
    processors: int
    variables: Dict[str, str]
    unset: Tuple[str, ...]
    options: Tuple[str, ...]
    arguments: Tuple[Tuple[str, ...], ...]


def _variables(user: str, home: str, temporary: str, **more: str) -> Dict[str, str]:
    """What a login sets, and more."""
    login = {"USER": user, "LOGNAME": user, "USERNAME": user, "HOME": home, "TMPDIR": temporary}
    return {**login, "SHELL": "/bin/sh", "EDITOR": "true", "PAGER": "cat", **more}


# Between them the two zones have summer time on every day of the year, and dates that differ.
# The locales are there on every system. The encoding stays UTF-8: Python sees to that.
PLACES = (
    Place(
        user="editor",
        user_id=1234,
        host="newsroom",
        home="/tmp/homes/editor",
        temporary="/tmp/scratch/of-editor",
        folder="/newsroom",
        umask=0o077,
        open_files=256,
        processors=1,
        variables=_variables(
            "editor",
            "/tmp/homes/editor",
            "/tmp/scratch/of-editor",
            LANG="en_GB.UTF-8",
            LC_ALL="POSIX",
            LANGUAGE="de:fr",
            TZ="America/St_Johns",
            TERM="xterm-256color",
            COLUMNS="132",
            LINES="50",
            FORCE_COLOR="1",
        ),
        unset=("NO_COLOR",),
        options=("-v", "--capture=sys"),
        arguments=(
            ("/home/editor/.venv/bin/pytest", "tests"),
            ("/home/editor/.venv/bin/pytest",),
        ),
    ),
    Place(
        user="carla",
        user_id=2345,
        host="darkroom.example",
        home="/tmp/people/carla",
        temporary="/tmp/var",
        folder="/srv/darkroom",
        umask=0o002,
        open_files=512,
        processors=64,
        variables=_variables(
            "carla",
            "/tmp/people/carla",
            "/tmp/var",
            LANG="C",
            TZ="Pacific/Chatham",
            COLUMNS="47",
            PYTEST_XDIST_WORKER="gw0",
            PYTEST_XDIST_WORKER_COUNT="2",
        ),
        unset=(),
        options=("-vv", "--capture=no"),
        arguments=(
            (
                "/opt/python/site-packages/pytest/__main__.py",
                "-x",
                "--lf",
                "tests/test_one.py::test",
            ),
            ("-c",),
        ),
    ),
)
