# ruff: noqa: E501  # a draft a line
"""What a draft is asked about before it runs, and what it is not."""

from __future__ import annotations

import ast
import textwrap
from pathlib import Path

import pytest

from copydesk.agent.testgen.verify.known_packages import declared_packages, is_known_to
from copydesk.agent.testgen.verify.questions import questions


def asked(text: str) -> list[str]:
    """The questions about a draft for shop/cart.py of a project that uses attrs."""
    return questions(
        ast.parse(textwrap.dedent(text)), "src/shop/cart.py", {"shop", "attrs"}.__contains__
    )


@pytest.mark.parametrize(
    "text",
    [
        "import json, os, pytest\nfrom shop.cart import total\n",
        "import attrs\nfrom unittest import mock\n",
        "from . import helpers\n",
        "import gc\ngc.collect()\n",
        "import inspect\ninspect.signature(total)\n",
        "import importlib\nimportlib.reload(shop)\nimportlib.import_module('shop.cart')\n",
        "import importlib.metadata\nimportlib.metadata.version('attrs')\n",
        "import ast\nast.literal_eval('1')\n",
        "import re\nre.compile('a')\n",
        "getattr(cart, 'total')\n",
        "NAMES = ['a', 'b']\nfor name in NAMES:\n    getattr(cart, name)\n",
        "@pytest.mark.parametrize('name, n', [('a', 1), pytest.param('b', 2)])\n"
        "def test_x(name, n):\n    getattr(cart, name)\n",
        "os.environ['HOME'] = 'x'\n",
        "open(os.path.join(os.path.dirname(__file__), 'data.json'))\n",
        "import subprocess, sys\nsubprocess.run([sys.executable, '-m', 'shop', 'total'])\n",
        "import pickle\npickle.loads(pickle.dumps(cart))\n",
        "(tmp_path / 'other.py').write_text('x = 1')\n",
    ],
)
def test_honest_tests_are_asked_nothing(text: str) -> None:
    assert asked(text) == []


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("import gc\ngc.get_objects()", "touches gc.get_objects"),
        ("from gc import get_referrers", "imports gc.get_referrers"),
        ("import gc\nlook = gc\nlook.get_objects()", "touches gc.get_objects"),
        ("import gc\nlook(gc)", "hands gc on"),
        ("import inspect\ninspect.getsource(total)", "touches inspect.getsource"),
        ("import inspect as i\ni.stack()", "touches inspect.stack"),
        ("import dis", "imports dis"),
        ("import ctypes.util", "imports ctypes.util"),
        ("import linecache", "imports linecache"),
        ("import runpy", "imports runpy"),
        ("import traceback", "imports traceback"),
        ("from importlib import util", "imports importlib.util"),
        ("import importlib.util", "imports importlib.util"),
        ("import importlib\nimportlib.util", "touches importlib.util"),
        ("import importlib\nimportlib.import_module('dis')", "imports dis"),
        ("import importlib\nimportlib.import_module(x)", "imports a module whose name is made up"),
        ("import psutil", "imports psutil"),
        ("import yaml", "imports yaml, which the project does not use"),
        ("from _pytest import reports", "imports _pytest"),
        ("import sys\nsys.modules", "touches sys.modules"),
        ("import sys\nsys.modules['dis']", "touches sys.modules"),
        ("from sys import modules", "imports sys.modules"),
        ("import sys as s\ns._getframe()", "touches sys._getframe"),
        ("import os\nos.fork()", "touches os.fork"),
        ("total.__code__", "touches __code__"),
        ("total.__globals__", "touches __globals__"),
        ("print.__self__", "touches __self__"),
        ("error.__traceback__.tb_frame", "touches tb_frame"),
        ("eval('tot' + name)", "uses eval"),
        ("eval('total.__code__')", "touches __code__"),
        ("run = exec", "uses exec"),
        ("__import__('dis')", "imports dis"),
        ("__import__('d' + name)", "imports a module whose name is made up"),
        ("globals()", "uses globals"),
        ("getattr(total, '__co' + 'de__')", "touches __code__"),
        ("def f(name):\n    getattr(total, name)", "uses getattr with a name that is made up"),
        ("for n in dir(total):\n    getattr(total, n)", "uses getattr with a name that is made up"),
        ("import shop\nname = shop.WORD[3] + shop.WORD[3] + 'dict'\ngetattr(shop, name)", "uses getattr with a name that is made up"),
        ("map(getattr, a, b)", "hands getattr on"),
        ("getattr(total, '__code__')", "names __code__"),
        ("'{0.__globals__}'.format(total)", "names __globals__"),
        ("import operator\noperator.attrgetter(x)(total)", "uses attrgetter with a name that is made up"),
        ("open('/proc/self/maps')", "names /proc/"),
        ("open('src/shop/cart.py')", "names src/shop/cart.py, the source that it tests"),
        ("path.glob('*.py')", "names *.py, the source that it tests"),
        ("open(cart.__file__)", "touches __file__ of a module"),
        ("os.environ['COPYDESK_REPORT_FD']", "names the variable COPYDESK_REPORT_FD"),
        ("os.environ['PYTHONHASHSEED']", "names the variable PYTHONHASHSEED"),
        ("import subprocess\nsubprocess.run(['ls'])", "imports subprocess"),
        ("import subprocess, sys\nsubprocess.run([sys.executable, '-c', 'import os'])", "imports subprocess"),
        ("import subprocess, sys\nsubprocess.run([sys.executable, '-m', 'inspect'])", "imports subprocess"),
        ("def test_x(pytester):\n    pass", "uses the fixture pytester"),
        ("request.config.pluginmanager", "touches pluginmanager of pytest"),
        ("def pytest_runtest_logreport():\n    pass", "defines the hook pytest_runtest_logreport"),
        ("pytest_plugins = ['x']", "loads plugins"),
        ("import pytest\npytest.main()", "touches pytest.main"),
        ("import types\ntypes.FunctionType", "touches types.FunctionType"),
        ("import pickle\npickle.loads(b'cbuiltins\\neval\\n.')", "unpickles a literal"),
    ],
)  # fmt: skip
def test_what_looks_inside_is_asked_about_by_name(text: str, words: str) -> None:
    assert words in asked(text)


def test_a_package_that_the_project_imports_is_known(tmp_path: Path) -> None:
    (tmp_path / "src/shop").mkdir(parents=True)
    (tmp_path / "src/shop/cart.py").write_text("def f():\n    from yaml import load\n")
    (tmp_path / "node_modules").mkdir()
    (tmp_path / "node_modules/x.py").write_text("import toml\n")
    assert [p for p in ("shop", "cart", "yaml", "toml", "yam") if is_known_to(tmp_path, p)] == [
        "shop",
        "cart",
        "yaml",
    ]


def test_a_package_that_the_project_declares_is_known(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text(
        '[project]\ndependencies = ["PyYAML>=6", "python-dateutil"]\n'
        '[dependency-groups]\ntest = ["chardet", "trustme ; python_version > \'3\'"]\n'
    )
    (tmp_path / "requirements-dev.txt").write_text("# tools\nsimplejson==3.1\nmypy\n")
    assert declared_packages(tmp_path) >= {
        *("yaml", "dateutil", "chardet", "trustme", "simplejson", "mypy")
    }
    assert is_known_to(tmp_path, "chardet")
    assert not is_known_to(tmp_path, "tools")
