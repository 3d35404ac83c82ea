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
        ("import traceback\ntraceback.walk_tb", "touches traceback.walk_tb"),
        ("from importlib.util import module_from_spec", "imports importlib.util.module_from_spec"),
        ("import importlib.util\nimportlib.util.find_spec('shop').loader", "touches find_spec"),
        ("import importlib\nimportlib.machinery", "touches importlib.machinery"),
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
        ("path.glob('*cart.py')", "names *cart.py, the source that it tests"),
        ("open(cart.__file__)", "touches __file__ of a module"),
        ("os.environ['COPYDESK_REPORT_FD']", "names the variable COPYDESK_REPORT_FD"),
        ("os.environ['PYTHONHASHSEED']", "names the variable PYTHONHASHSEED"),
        ("import subprocess\nsubprocess.run(['cat', 'x'])", "imports subprocess"),
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


EASED = [
    (
        "from shop import Cart\nclass T:\n    def setUp(self):\n        self.c = Cart()\n    def f(self, n):\n        getattr(self.c, n)",
        "class T:\n    c = total\n    def f(self, n):\n        getattr(self.c, n)",
        "uses getattr with a name that is made up",
    ),
    (
        "import shop\ndef f(n):\n    getattr(shop.Cart, n)",
        "import shop\ndef f(n):\n    getattr(shop.total, n)",
        "uses getattr with a name that is made up",
    ),
    (
        "class P:\n    def __getattr__(self, n):\n        return super().__getattr__(n)",
        "def f(n):\n    cart.__getattr__(n)",
        "uses __getattr__ with a name that is made up",
    ),
    ("getattr(cart, 'total')", "getattr(*words)", "uses getattr with a name that is made up"),
    (
        "setattr(cart, 'total', 1)",
        "import sys\nsetattr(sys, *words)",
        "uses setattr with a name that is made up",
    ),
    (
        "import operator\noperator.methodcaller('total')(cart)",
        "import operator\noperator.methodcaller('format', total)(word)",
        "fills a template that is made up",
    ),
    ("cart.template.format", "run(str.format, word, cart)", "fills a template that is made up"),
    (
        "t = make()\nrun(t.format)",
        "t = 'a' + word\nrun(t.format)",
        "fills a template that is made up",
    ),
    (
        "import logging\nlogging.Formatter('%(message)s', style='%')",
        "import logging\nlogging.Formatter(word, None, '{')",
        "fills a template that is made up",
    ),
    (
        "'{0:{width}}'.format(1, width=cart)",
        "'{0:{width.__class__.__subclasses__}}'.format(1, width=cart)",
        "names __subclasses__",
    ),
    ("'{'.format(cart)", "'{0.f_code}'.format(cart)", "touches f_code"),
    ("import shop\nshop.inspect(1)", "import shop\nrun(shop.inspect)", "hands inspect on"),
    ("assert cart.__dict__ == {}", "type(total).__dict__['a'](1)\nvars(type(total))", "uses vars"),
    (
        "import shop\nshop.__dict__['total']",
        "import shop\nshop.__dict__['inspect']",
        "touches __dict__ of a module",
    ),
    ("T = make()\nT.__dict__", "T = type(total)\nT.__dict__", "touches __dict__ of a module"),
    (
        "assert len(cart.__class__.__dict__)",
        "run(cart.__class__.__dict__)",
        "touches __dict__ of a module",
    ),
    ("cart.__get__(None, Cart)", "cart.__get__(total)", "touches __get__"),
    (
        "from pathlib import Path\nimport shop\nPath(shop.__file__).resolve().parent",
        "from pathlib import Path\nimport shop\nPath(shop.__file__).read_text()",
        "touches __file__ of a module",
    ),
    (
        "import os\nimport shop\nos.path.dirname(shop.__file__)\nassert shop.__file__ == 1",
        "import shop\nrun(shop.__file__)",
        "touches __file__ of a module",
    ),
    (
        "import types\ntype(f) is types.FunctionType",
        "import types\ntypes.FunctionType(1)",
        "touches types.FunctionType",
    ),
    (
        "import sys\nsys.modules.pop('shop', None)",
        "import sys\nsys.modules.pop('linecache', None)",
        "touches sys.modules",
    ),
    ("import sys\nsys.modules.keys()", "import sys\nsys.modules[__name__]", "touches sys.modules"),
    (
        "import sys\nsys.modules['shop.cart'].total",
        "import sys\nsys.modules[word]",
        "touches sys.modules",
    ),
    (
        "f(tmp_path.stat().st_size)",
        "tmp_path.iterdir()\nf(tmp_path.stat().st_size)",
        "touches st_size of files that it finds",
    ),
    (
        "import multiprocessing as m\nm.get_context('fork')",
        "import multiprocessing as m\nm.get_context('spawn')",
        "starts child processes otherwise than by fork",
    ),
    (
        "cart.get_context('x')",
        "from multiprocessing import get_context\nget_context(method=word)",
        "starts child processes otherwise than by fork",
    ),
    (
        "import shop\nshop.get_context('x')",
        "import concurrent.futures as c\nc.ProcessPoolExecutor(1)\nerror.__cause__",
        "touches __cause__ of an error out of a child",
    ),
    (
        "import unittest\nclass T(unittest.TestCase): ...\nunittest.TestSuite()",
        "import unittest\nunittest.TestSuite().x.errors",
        "reads the results of a test suite",
    ),
    (
        "class T:\n    pass\nT('a')",
        "import unittest\nclass T(unittest.TestCase): ...\nT('a')",
        "makes a T, a test case",
    ),
    ("cart.__annotations__", "cart.__annotations__.update(x)", "changes __annotations__"),
    ("type('A', (), {'a': 1})", "type('A', (), {'__annotations__': x})", "changes __annotations__"),
    ("globals()['CASES']", "globals()['eval']", "uses eval"),
    (
        "def f():\n    assert 'a' in locals()\n    locals()['a']\n    '%(a)s' % locals()",
        "class A:\n    run(locals())",
        "uses locals",
    ),
    (
        "import pickle\ndata = pickle.dumps(1)\npickle.loads(data)",
        "import pickle\ndef f(data):\n    pickle.loads(data)",
        "unpickles what is made up",
    ),
    (
        "import pickle\n@pytest.mark.parametrize('p, n', [(b'N.', 1), pytest.param(b'N.', X(1))])\ndef test_x(p, n):\n    pickle.loads(p)",
        "import pickle\nP = [b'N.', bytes(word)]\nfor p in P:\n    pickle.loads(bytes(p))",
        "unpickles what is made up",
    ),
    (
        "import pickle\npickle.loads(b'no pickle')",
        "import pickle\npickle.loads(b'\\x82\\x01.')",
        "unpickles a literal",
    ),
    (
        "import pickle\npickle.loads(b'\\x80\\x02\\x8c\\tshop.cartq\\x00h\\x00\\x8c\\x04Cart\\x93.')",
        "import pickle\npickle.loads(b'\\x80\\x04NN\\x93.')",
        "unpickles a literal",
    ),
    (
        "import pickle\npickle.loads(b'cbuiltins\\nset\\n.')",
        "import pickle\npickle.loads(b'cbuiltins\\nopen\\n.')",
        "unpickles a literal",
    ),
    (
        "def f(x: 'Cart') -> 'int': ...\ny: 'Cart' = 1",
        "def f(x: 'total.f_code'): ...",
        "touches f_code",
    ),
    ("text = '>>> no python ('", "text = '>>> total.f_code'", "touches f_code"),
    ("text = 'a\\n  >>> 1\\n >>>2'", "def f() -> 'total.f_code': ...", "touches f_code"),
    (
        "from subprocess import PIPE, run\nimport sys\nrun([sys.executable, '-m', 'shop'], stdout=PIPE)",
        "from subprocess import getoutput",
        "imports subprocess",
    ),
    (
        "import subprocess\nMock(spec=subprocess.Popen)",
        "import subprocess\nrun = subprocess.run",
        "touches subprocess",
    ),
    (
        "import subprocess, sys\nsubprocess.run([sys.executable, '-c', 'from shop import cart; cart.total(1 +'])",
        "import subprocess, sys\nsubprocess.run([sys.executable, '-c', 'from . import x; open(1)'])",
        "imports subprocess",
    ),
    (
        "import subprocess, sys\nsubprocess.run([sys.executable, '-c', 'from shop import cart\\nprint(cart.total())'])",
        "import subprocess, sys\nsubprocess.run([sys.executable, '-c', 'from shop import cart\\nprint(cart._x)'])",
        "imports subprocess",
    ),
    (
        "import subprocess, sys\nmonkeypatch.setenv('A', 'b')\nsubprocess.run([sys.executable, '-m', 'shop'])",
        "import subprocess, sys\nmonkeypatch.setenv(word, 'b')\nsubprocess.run([sys.executable, '-m', 'shop'])",
        "imports subprocess",
    ),
    (
        "import subprocess, sys\nmonkeypatch.chdir(tmp_path)\ntmp_path.joinpath('a')\nsubprocess.run([sys.executable, '-m', 'shop'])",
        "import subprocess, sys\nmonkeypatch.chdir(tmp_path)\nopen('a' + word)\nsubprocess.run([sys.executable, '-m', 'shop'])",
        "imports subprocess",
    ),
    (
        "import subprocess, sys, os\nenv = dict(os.environ, A='b')\nenv['B'] = 'c'\nsubprocess.run([sys.executable, '-m', 'shop'], env=env)",
        "import subprocess, sys\nsubprocess.run([sys.executable, '-m', 'shop'], shell=True)",
        "imports subprocess",
    ),
    (
        "from unittest import mock\nmock.patch('builtins.open')\nmock.patch('no dots')",
        "from os import *",
        "imports everything of os",
    ),
    (
        "from hypothesis import given",
        "from hypothesis.internal import reflection",
        "imports hypothesis.internal",
    ),
    (
        "import multiprocessing.pool",
        "import multiprocessing.spawn",
        "imports multiprocessing.spawn",
    ),
    ("cart.hook()", "request.config.hook.x", "touches hook of pytest"),
    (
        "for n in ('a', 'b'):\n    getattr(cart, f'get_{n}')",
        "for n in ('co', 'b'):\n    getattr(cart, f'__{n}de__')",
        "touches __code__",
    ),
    (
        "def f(n):\n    getattr(cart, f'on_{n}')",
        "def f(n):\n    getattr(cart, f'__{n}')",
        "uses getattr with a name that is made up",
    ),
    (
        "def f(n):\n    getattr(cart, 'on_%s' % n)",
        "def f(n):\n    getattr(cart, '%s__' % n)",
        "uses getattr with a name that is made up",
    ),
    (
        "def has(n):\n    return getattr(cart, n)\nhas('a')\nhas(n='b')",
        "def has(n):\n    return getattr(cart, n)\nhas('a')\nrun(has)",
        "uses getattr with a name that is made up",
    ),
    (
        "from shop import Cart\ndef f(n):\n    getattr(Cart(1), n)",
        "from shop import total\ndef f(n):\n    getattr(total, n)",
        "uses getattr with a name that is made up",
    ),
    (
        "from shop import Cart\nc = Cart()\ndef f(n):\n    getattr(c, n)",
        "from shop import Cart\nc = Cart().total\ndef f(n):\n    getattr(c, n)",
        "uses getattr with a name that is made up",
    ),
    (
        "from shop import NAMES, cart\nfor n in NAMES:\n    getattr(cart, n)",
        "from shop import NAME, cart\nfor n in dir(cart):\n    getattr(cart, n)",
        "uses getattr with a name that is made up",
    ),
    (
        "ROWS = {'a': 1}\nfor n, v in ROWS.items():\n    getattr(cart, n)",
        "ROWS = {'a': 1}\nROWS[word] = 1\nfor n, v in ROWS.items():\n    getattr(cart, n)",
        "uses getattr with a name that is made up",
    ),
    (
        "class P:\n    def __getattr__(self, n):\n        return getattr(self.real, n)",
        "import os\nclass P:\n    def __getattr__(self, n):\n        return getattr(os, n)",
        "uses getattr with a name that is made up",
    ),
    (
        "def f(n, v):\n    setattr(cart, n, v)",
        "import sys\ndef f(n, v):\n    setattr(sys, n, v)",
        "uses setattr with a name that is made up",
    ),
    (
        "import sys\nassert 'shop' in sys.modules",
        "import sys\nfind(sys.modules)",
        "touches sys.modules",
    ),
    (
        "import sys\nmonkeypatch.setitem(sys.modules, 'attrs', None)",
        "import sys\nmonkeypatch.setitem(sys.modules, '_pytest', None)",
        "touches sys.modules",
    ),
    (
        "import sys\nsys.modules['no_such'] = fake",
        "import sys\nsys.modules['linecache'] = fake",
        "touches sys.modules",
    ),
    (
        "from unittest import mock\n@mock.patch.dict('sys.modules', {'attrs': None})\ndef test_x(): ...",
        "from unittest import mock\nwith mock.patch.dict('sys.modules', {'attrs': None}) as m: ...",
        "names sys.modules",
    ),
    (
        "import subprocess\nmonkeypatch.setattr(subprocess, 'run', fake)",
        "import subprocess\nmonkeypatch.setattr(cart, 'run', subprocess.run)",
        "touches subprocess",
    ),
    (
        "from unittest import mock\nmock.patch('subprocess.run')",
        "from unittest import mock\nmock.patch('linecache.getline')",
        "imports linecache",
    ),
    (
        "import subprocess as s, sys\ns.run([sys.executable, '-W', 'error', '-m', 'shop'])",
        "import subprocess as s, sys\ns.run([sys.executable, '-i', '-m', 'shop'])",
        "imports subprocess",
    ),
    (
        "import subprocess, sys\nsubprocess.run([sys.executable, '-c', 'import shop'])",
        "import subprocess, sys\nsubprocess.run([sys.executable, '-c', 'import shop, dis'])",
        "imports subprocess",
    ),
    (
        "import subprocess, sys\nCOMMAND = [sys.executable, '-m', 'shop']\nsubprocess.run(COMMAND)",
        "import subprocess, sys\nCOMMAND = [sys.executable, '-m', 'shop']\nCOMMAND.insert(1, '-i')\nsubprocess.run(COMMAND)",
        "imports subprocess",
    ),
    (
        "import subprocess, sys, os\nsubprocess.run([sys.executable, '-m', 'shop'], env={**os.environ, 'A': 'b'})",
        "import subprocess, sys, os\nsubprocess.run([sys.executable, '-m', 'shop'], env={'PYTHONPATH': 'b'})",
        "imports subprocess",
    ),
    (
        "import subprocess, sys\n(tmp_path / 'a.txt').touch()\nsubprocess.run([sys.executable, '-m', 'shop'], cwd=tmp_path)",
        "import subprocess, sys\n(tmp_path / 'json.py').touch()\nsubprocess.run([sys.executable, '-m', 'shop'], cwd=tmp_path)",
        "imports subprocess",
    ),
    (
        "import subprocess, sys\nsubprocess.run([sys.executable, '-m', 'shop'])",
        "import subprocess, sys\nsubprocess.run([sys.executable, '-m', 'shop.tests.test_x'])",
        "imports subprocess",
    ),
    ("assert 'a' in vars(cart)", "run(vars())", "uses vars"),
    (
        "from shop import Cart\nc = Cart()\nvars(c)['a']",
        "import shop\nvars(shop)[word]",
        "uses vars",
    ),
    ("assert sorted(locals())", "run(locals())", "uses locals"),
    ("def f():\n    '{x}'.format(**locals())", "'{x}'.format(**locals())", "uses locals"),
    ("globals()['CASES']", "globals()['__builtins__']", "names __builtins__"),
    ("eval('1 + 1')", "eval('open.__self__')", "touches __self__"),
    (
        "import types\nisinstance(f, (types.FunctionType, int))",
        "import types\nrun(types.FunctionType)",
        "touches types.FunctionType",
    ),
    (
        "import timeit\ntimeit.timeit(lambda: total(), number=1)",
        "import timeit\ntimeit.timeit('total()', number=1)",
        "touches timeit.timeit",
    ),
    (
        "'{}: {x.name}'.format(cart, x=cart)",
        "def f(t):\n    t.format(cart)",
        "fills a template that is made up",
    ),
    (
        "def f(t):\n    t.format(1, 'a')",
        "str.format('{0.__co' + word, cart)",
        "fills a template that is made up",
    ),
    (
        "from shop import Form\nForm('a').format(cart)",
        "from shop import Form\nForm('{' + word).format(cart)",
        "fills a template that is made up",
    ),
    (
        "import textwrap\ntextwrap.dedent('{}').format(cart)",
        "import textwrap\ntextwrap.dedent('{' + word).format(cart)",
        "fills a template that is made up",
    ),
    (
        "class T:\n    def test_x(self):\n        self.form.format(cart)",
        "class T:\n    form = '{' + word\n    def test_x(self):\n        self.form.format(cart)",
        "fills a template that is made up",
    ),
    (
        "import pickle\npickle.loads(b'\\x80\\x04\\x8c\\tshop.cart\\x94\\x8c\\x04Cart\\x94\\x93\\x94.')",
        "import pickle\npickle.loads(b'\\x80\\x04\\x8c\\x07inspect\\x94\\x8c\\tgetsource\\x94\\x93\\x94.')",
        "unpickles a literal",
    ),
    (
        "import pickle\nfor p in (b'.', b'N.'):\n    pickle.loads(p)",
        "import pickle\npickle.loads(b'c' + word)",
        "unpickles what is made up",
    ),
    (
        "from pathlib import Path\nimport shop\nPath(shop.__file__).parent",
        "import shop\nopen(shop.__file__)",
        "touches __file__ of a module",
    ),
    (
        "import traceback\nlog.warning(traceback.format_exc(), exc_info=True)",
        "import traceback\ntraceback.TracebackException.from_exception(e, capture_locals=True)",
        "touches traceback.TracebackException",
    ),
    ("def f():\n    'Like __get__.'", "def f():\n    return '__get__'", "names __get__"),
    (
        "def f():\n    'Like __get__.'",
        "def f():\n    '__get__'\ngetattr(x, f.__doc__)",
        "names __get__",
    ),
    ("assert f.__kwdefaults__ == {}", "f.__kwdefaults__.clear()", "touches __kwdefaults__"),
    (
        "import os\nos.kill(os.getpid(), 2)\nos.kill(server.pid, 2)",
        "import os\nos.kill(1, 2)",
        "touches os.kill",
    ),
    (
        "import os, shop\nos.path.dirname(os.path.abspath(shop.__file__))",
        "import os, shop\nopen(os.path.abspath(shop.__file__))",
        "touches __file__ of a module",
    ),
    (
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import dis",
        "TYPE_CHECKING = 1\nif TYPE_CHECKING:\n    import dis",
        "imports dis",
    ),
    (
        "import typing\nif typing.TYPE_CHECKING:\n    import dis",
        "import typing\ntyping.TYPE_CHECKING = 1\nif typing.TYPE_CHECKING:\n    import dis",
        "imports dis",
    ),
    (
        "from _pytest.fixtures import SubRequest",
        "from _pytest.fixtures import FixtureDef",
        "imports _pytest.fixtures.FixtureDef",
    ),
    (
        "import importlib.util\nif importlib.util.find_spec('shop'):\n    pass",
        "import importlib.util\nx = importlib.util.find_spec('shop')",
        "touches find_spec",
    ),
    (
        "globals()['Test' + name] = make(name)",
        "globals()[name] = make(name)",
        "uses globals",
    ),
    (
        "import subprocess\nsubprocess.run(args=['ls', '-l', '/bin'])",
        "import subprocess\nsubprocess.run(args=['ls', '-l', 'shop'])",
        "imports subprocess",
    ),
    (
        "import subprocess\nsubprocess.run(['uname', '-m'])",
        "import os, subprocess\nos.environ['PATH'] = '.'\nsubprocess.run(['uname', '-m'])",
        "imports subprocess",
    ),
    (
        "import linecache\nfrom unittest import mock\n"
        "mock.patch.object(linecache, 'getlines', autospec=True)",
        "import linecache\nfrom unittest import mock\n"
        "mock.patch.object(linecache, 'getlines', wraps=linecache.getlines)",
        "imports linecache",
    ),
    (
        "import shop\nself.stash = shop.Stash()\nself.stash.put('x')",
        "import shop\nnode.stash",
        "touches stash of pytest",
    ),
    (
        "compile(text, 'x', 'exec')",
        "code = compile(text, 'x', 'exec')",
        "uses compile",
    ),
    (
        "import builtins\nx: builtins.list",
        "import builtins\nbuiltins.eval",
        "touches builtins.eval",
    ),
    (
        "import sys\nf(sys.modules.__setitem__, 'shop', None)",
        "import sys\nf(sys.modules.__setitem__, name, None)",
        "touches sys.modules",
    ),
    (
        "from shop import load",
        "from shop import pickle\npickle.loads(data)",
        "unpickles what is made up",
    ),
    (
        "import importlib\nimportlib.import_module('shop.' + 'cart')",
        "import importlib\nimportlib.import_module('d' + 'is')",
        "imports dis",
    ),
    (
        "request.getfixturevalue('cart')",
        "def f(n):\n    request.getfixturevalue(n)",
        "uses a fixture whose name is made up",
    ),
    (
        "if __name__ == '__main__':\n    import dis",
        "__name__ = '__main__'\nif __name__ == '__main__':\n    import dis",
        "imports dis",
    ),
]


@pytest.mark.parametrize(("honest", "forged", "words"), EASED)
def test_what_is_not_asked_is_asked_where_it_could_look_inside(
    honest: str, forged: str, words: str
) -> None:
    assert asked(honest) == []
    assert words in asked(forged)


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
