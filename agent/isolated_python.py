"""Starting the user's Python so that nothing of a repository is run by starting it.

An ordinary start imports `sitecustomize` and `usercustomize` and runs the lines of .pth files. An
editable install puts the working tree among the folders that these are looked for in, and the
current folder or PYTHONPATH may do so too: a tracked file of that name would run with the user's
rights. Here the interpreter starts with `-I -S`, and what is installed is put on its path by hand.

The folders that .pth files name are part of that path only where the tree may run. The standard
library itself tries modules that this system does not have (`ntpath` imports `nt`, `subprocess`
imports `msvcrt`): those would be found in the tree.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

_PREPARE = """
import os, site, sys
def prepare():
    end = sys.argv.index("--")
    folders, sys.argv[1:] = sys.argv[1:end], sys.argv[end + 1:]
    environment = os.path.dirname(os.path.dirname(os.path.abspath(sys.executable)))
    prefixes, shares = [sys.prefix, sys.exec_prefix], True
    try:
        with open(os.path.join(environment, "pyvenv.cfg"), encoding="utf-8") as file:
            settings = dict(line.lower().partition("=")[::2] for line in file if "=" in line)
    except OSError:
        pass
    else:
        named = {key.strip(): value.strip() for key, value in settings.items()}
        shares = named.get("include-system-site-packages") == "true"
        prefixes = [environment, *(prefixes if shares else [])]
        sys.prefix = sys.exec_prefix = environment
    packages = site.getsitepackages(list(dict.fromkeys(prefixes)))
    if shares and (not hasattr(os, "getuid") or os.geteuid() == os.getuid()):
        packages.append(site.getusersitepackages())
    packages = [folder for folder in packages if os.path.isdir(folder)]
    sys.path += [folder for folder in [*packages, *folders] if folder not in sys.path]
    named_folders = []
    for folder in packages:
        for name in sorted(os.listdir(folder)):
            if name.endswith(".pth"):
                with open(os.path.join(folder, name), encoding="utf-8", errors="replace") as file:
                    lines = [line.strip() for line in file]
                for line in lines:
                    added = os.path.join(folder, line)
                    is_code = not line or line.startswith(("#", "import ", "import\\t"))
                    if not is_code and added not in sys.path and os.path.isdir(added):
                        named_folders.append(added)
    return named_folders
named_folders = prepare()
"""
"""What a start does that runs nothing: the folders of packages, then the folders given, all after
the standard library. A virtual environment is told as `site` does. What .pth files name is left in
`named_folders`.
"""

_ADD_NAMED_FOLDERS = "sys.path += [f for f in named_folders if f not in sys.path]\n"


def isolated_argv(
    python: Path,
    code: str,
    *,
    folders: Sequence[Path | str] = (),
    words: Sequence[str] = (),
    editable: bool = False,
) -> list[str]:
    """The command that runs code in the user's Python with what is installed there at hand.

    Args:
        python: The interpreter.
        code: What it runs; Python 3.9. `named_folders` are the folders that .pth files name.
        folders: Further folders to import from, searched after the installed packages.
        words: What the code finds in sys.argv[1:].
        editable: Whether to import from the folders that .pth files name, too, which may be the
            working tree: for where the project's own tests may run, and nowhere else.
    """
    source = _PREPARE + (_ADD_NAMED_FOLDERS if editable else "") + code
    folder_words = [str(folder) for folder in folders]
    return [str(python), "-I", "-S", "-B", "-c", source, *folder_words, "--", *words]
