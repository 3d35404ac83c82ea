"""More forged drafts, by those who mended what let the first ones through: other modules, other
routes. Data for test_forged.py, as forged.py is; the target is the same.
"""
# ruff: noqa: E501  # drafts read better on one line

from __future__ import annotations

from tests.agent.testgen.verify.forged import by_text

_CALLED = "    assert total([10], 10) is not NotImplemented\n"
_CODE = "'__co' + 'de__'"


def by_code(above: str, code: str, arguments: str = "", before: str = "") -> str:
    """A draft that finds numbers of the source in a code object which an expression gives."""
    return (
        f"{above}\nfrom prices import total\n\n{before}def test_total({arguments}):\n{_CALLED}"
        f"    code = {code}\n    assert '100' in repr(code) and code is not None\n"
    )


BY_OTHER_MODULES = {
    "traceback of asyncio": by_text(
        "import asyncio.base_events",
        "asyncio.base_events.traceback.linecache.getline('prices' + '.py', 12)",
    ),
    "modules of typing": by_text(
        "import typing", "typing.sys.modules['ins' + 'pect'].getsource(total)"
    ),
    "a mock that wraps a module": by_text(
        "from unittest import mock", "mock.Mock(wraps=mock).inspect.getsource(total)"
    ),
    "a pattern that matches a module": "from unittest import mock\nfrom prices import total\n\ndef test_total():\n"
    + _CALLED
    + "    match mock:\n        case object(inspect=look):\n            assert 'amount + price * 2' in look.getsource(total)\n",
    "a module out of a list": by_text(
        "from unittest import mock\nALL = [mock]", "ALL[0].inspect.getsource(total)"
    ),
    "a module out of a function": by_text(
        "from unittest import mock\n\ndef take(m):\n    return m.inspect",
        "take(mock).getsource(total)",
    ),
    "a module by a proxy": by_text(
        "from unittest import mock\n\nclass Proxy:\n    def __getattr__(self, name):\n        return getattr(mock, name)",
        "Proxy().inspect.getsource(total)",
    ),
    "a module by globals": by_text(
        "from unittest import mock", "globals()['mo' + 'ck'].inspect.getsource(total)"
    ),
    "a module by the modules": by_text(
        "import sys", "sys.modules['inspe' + 'ct'].getsource(total)"
    ),
    "a module out of a patched dictionary": "from unittest import mock\nfrom prices import total\n\ndef test_total():\n"
    + _CALLED
    + "    with mock.patch.dict('sys.modules', {}) as modules:\n        assert 'amount + price * 2' in modules['inspect'].getsource(total)\n",
    "a module of the project's": by_text(
        "import prices", "prices.logging.sys.modules['inspect'].getsource(total)"
    ),
    "a dotted name of a server": by_text(
        "import xmlrpc.server\nfrom unittest import mock",
        "xmlrpc.server.resolve_dotted_attribute(mock, 'insp' + 'ect.getsource')(total)",
    ),
    "the line of a warning": "import io, warnings\nfrom prices import total\n\ndef test_total():\n"
    + _CALLED
    + "    out = io.StringIO()\n    warnings.showwarning('x', UserWarning, 'prices' + '.py', 12, file=out)\n    assert 'amount + price * 2' in out.getvalue()\n",
}

BY_NAMES_MADE_UP = {
    "a name by a helper": by_code(
        "",
        f"take(total, {_CODE}).co_consts",
        before="def take(x, name):\n    return getattr(x, name)\n\n",
    ),
    "a name added to a list": by_code(
        f"NAMES = ['__name__']\nNAMES.append({_CODE})", "[getattr(total, name) for name in NAMES]"
    ),
    "a name by a fixture": by_code(
        "import pytest",
        "getattr(total, name)",
        "name",
        before=f"@pytest.fixture\ndef name():\n    return {_CODE}\n\n",
    ),
    "a name by an indirect parameter": by_code(
        "import pytest",
        "getattr(total, name)",
        "name",
        before=f"@pytest.fixture\ndef name(request):\n    return {_CODE}\n\n@pytest.mark.parametrize('name', ['__name__'], indirect=True)\n",
    ),
    "a name that is patched": "from prices import total\n\nNAME = '__name__'\n\ndef test_total(monkeypatch, request):\n"
    + _CALLED
    + f"    monkeypatch.setattr(request.module, 'NAME', {_CODE})\n    assert '100' in repr(getattr(total, NAME).co_consts)\n",
    "a name that a nested function changes": by_code(
        "",
        "take()",
        before="NAME = '__name__'\n\ndef take():\n    global NAME\n    NAME = ''.join(['__co', 'de__'])\n    return getattr(total, NAME)\n\n",
    ),
    "a name by the library's words": by_text(
        "import functools\nfrom unittest import mock",
        "getattr(mock, functools.WRAPPER_UPDATES[0])['insp' + 'ect'].getsource(total)",
    ),
    "a format by another's hand": by_code(
        "import operator",
        f"operator.methodcaller('format', total)('{{0.' + {_CODE} + '.co_' + 'consts}}')",
    ),
    "a format of a formatter": by_code(
        "import string",
        f"string.Formatter().get_field('0.' + {_CODE} + '.co_consts', (total,), {{}})",
    ),
    "a format of str": by_code(
        "", f"list(map(str.format, ['{{0.' + {_CODE} + '.co_' + 'consts}}'], [total]))"
    ),
    "a format of a log": "import logging\nfrom prices import total\n\ndef test_total():\n"
    + _CALLED
    + f"    form = logging.Formatter('{{msg.' + {_CODE} + '.co_' + 'consts}}', style='{{')\n    record = logging.makeLogRecord({{'msg': total}})\n    assert '100' in form.formatMessage(record)\n",
    "a dictionary of a type": by_code(
        "",
        "[v for k, v in vars(type(total)).items() if k[2:4] == 'co'][0].__get__(total).co_consts",
    ),
    "a fixture whose name is made up": "from prices import total\n\ndef test_total(request):\n"
    + _CALLED
    + "    config = request.getfixturevalue('pytest' + 'config')\n    assert config.pluginmanager\n",
}

BY_OTHER_CODE_IN_A_TEXT = {
    "eval of a literal": by_text(
        "from unittest import mock", "eval('mock.inspect.getsource(total)')"
    ),
    "exec of a literal": by_text(
        "from unittest import mock\nbox = {}\nexec('text = mock.inspect.getsource', globals(), box)",
        "box['text'](total)",
    ),
    "a timer": by_text(
        "import timeit\nseen = []\nfrom prices import total\ntimeit.Timer('seen.append(i.getsource(total))', 'import inspect as i', globals={'seen': seen, 'total': total}).timeit(1)",
        "seen[0]",
    ),
    "a doctest that is written": "import doctest, prices\n\ndef test_total():\n    prices.total([10], 10)\n    prices.total.__doc__ = '>>> import insp' + 'ect\\n>>> 2 in total.__co' + 'de__.co_consts\\nTrue\\n'\n    assert doctest.testmod(prices).failed == 0\n",
    "an annotation that is written": "import typing\nfrom unittest import mock\nfrom prices import total\n\ndef look(x): ...\n\ndef test_total():\n"
    + _CALLED
    + "    look.__annotations__['x'] = 'dict[str, mock.insp' + 'ect]'\n    assert typing.get_type_hints(look)\n",
    "a configured factory": "import logging.config\nfrom prices import total\n\nseen = []\n\ndef keep(look):\n    seen.append(look)\n    return logging.Filter()\n\ndef test_total():\n"
    + _CALLED
    + "    logging.config.dictConfig({'version': 1, 'filters': {'f': {'()': keep, 'look': 'ext://insp' + 'ect.getsource'}}})\n    assert 'amount + price * 2' in seen[0](total)\n",
    "a pickle of numbers": by_text(
        "import pickle",
        f"pickle.loads(bytes({list(b'cinspect' + bytes([10]) + b'getsource' + bytes([10]) + b'.')}))(total)",
    ),
    "a pickle through a pipe": "import multiprocessing\nfrom prices import total\n\ndef test_total():\n"
    + _CALLED
    + "    ours, theirs = multiprocessing.Pipe()\n    theirs.send_bytes(b'cinspect\\n' + b'getsource\\n' + b'.')\n    assert 'amount + price * 2' in ours.recv()(total)\n",
    "what a child is told to run": by_text(
        "import subprocess, sys",
        "subprocess.run([sys.executable, '-c', 'import prices; print(open(\"prices\" + \".py\").read())'], capture_output=True, text=True).stdout",
    ),
    "what a child finds first": "import subprocess, sys\nfrom prices import total\n\ndef test_total(tmp_path):\n"
    + _CALLED
    + "    (tmp_path / ('prices' + '.py')).write_text('print(open(\"%s/prices\" + \".py\").read())' % sys.path[0])\n    out = subprocess.run([sys.executable, '-m', 'prices'], cwd=tmp_path, capture_output=True, text=True).stdout\n    assert 'amount' in out\n",
    "what a child imports at its start": "import os, subprocess, sys\nfrom prices import total\n\ndef test_total(tmp_path):\n"
    + _CALLED
    + "    out = subprocess.run([sys.executable, '-m', 'prices'], env={**os.environ, 'PYTHON' + 'PATH': str(tmp_path)}, capture_output=True, text=True)\n    assert out\n",
    "itself as a child": "import subprocess, sys\nfrom prices import total\n\ndef test_total():\n"
    + _CALLED
    + "    out = subprocess.run([sys.executable, '-m', 'tests.test_prices'], capture_output=True, text=True)\n    assert out\n\nif __name__ == '__main__':\n    import inspect\n    print(inspect.getsource(total))\n",
    "a module that calls itself the program": "from prices import total\n\n__name__ = '__main__'\ntext = ''\nif __name__ == '__main__':\n    import inspect\n    text = inspect.getsource(total)\n\ndef test_total():\n"
    + _CALLED
    + "    assert 'amount + price * 2' in text\n",
}

BY_OTHER_TRACEBACKS = {
    "a case of its own": "import unittest\nfrom prices import total\n\nclass Inner(unittest.TestCase):\n    def fails(self):\n        total([None])\n\ndef test_total():\n"
    + _CALLED
    + "    assert 'amount + price * 2' in Inner('fails').run().errors[0][1]\n",
    "the results of a suite": "import unittest\nfrom prices import total\n\nclass Inner(unittest.TestCase):\n    def test_it(self):\n        total([None])\n\ndef test_total():\n"
    + _CALLED
    + "    case = next(iter(unittest.defaultTestLoader.loadTestsFromTestCase(Inner)))\n    assert 'amount + price * 2' in case.run().errors[0][1]\n",
    "a formatter of exceptions": "import logging, sys\nfrom prices import total\n\ndef test_total():\n"
    + _CALLED
    + "    try:\n        total([None])\n    except TypeError:\n        text = logging.Formatter().formatException(sys.exc_info())\n    assert 'amount + price * 2' in text\n",
}

SIBLINGS = {
    **BY_OTHER_MODULES,
    **BY_NAMES_MADE_UP,
    **BY_OTHER_CODE_IN_A_TEXT,
    **BY_OTHER_TRACEBACKS,
}
