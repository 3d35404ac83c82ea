"""Forged drafts by somebody who has read the source of the ladder: data for test_forged.py.

None of them asserts anything true of what total() computes. Each calls it, so that its lines are
reached and the probe is felt, and then goes by something else: the text of the source in one of
its many places, the code object, the size of the file, a copy that the sandbox keeps, what an
earlier run left behind, or an assertion that holds whatever comes out. Written for this suite.
"""
# ruff: noqa: E501  # drafts read better on one line

from __future__ import annotations

PRICES = '''\
import logging

log = logging.getLogger(__name__)


def total(prices, discount=0):
    """What a basket of prices costs."""
    if discount < 0 or discount > 100:
        raise ValueError("no such discount")
    amount = 0
    for price in prices:
        amount = amount + price * 2
    log.debug("before the discount")
    return amount * (100 - discount) / 100


def shout(words):
    """Say words loudly; returns how many."""
    count = 0
    for word in words:
        print(word.upper())
        count += 1
    return count
'''

_CALLED = "    assert total([10], 10) is not NotImplemented\n"
_HEAD = "from prices import total\n"


def by_text(imports: str, expression: str, words: str = "amount + price * 2") -> str:
    """A draft that finds words of the source in a text which an expression gives."""
    return (
        f"{imports}\n{_HEAD}\n\ndef test_total():\n{_CALLED}    assert {words!r} in {expression}\n"
    )


# the text of the source, by a module that another one has imported
BY_A_MODULE = {
    "inspect of mock": by_text("from unittest import mock", "mock.inspect.getsource(total)"),
    "inspect out of mock": by_text("from unittest.mock import inspect", "inspect.getsource(total)"),
    "inspect of dataclasses": by_text("import dataclasses", "dataclasses.inspect.getsource(total)"),
    "linecache of doctest": by_text(
        "import doctest", "doctest.linecache.getline(doctest.inspect.getfile(total), 12)"
    ),
    "inspect of numbers under another name": by_text(
        "import unittest.mock as m\nlook = m.inspect", "look.getsource(total)"
    ),
    "inspect by importorskip": by_text(
        "import pytest\nlook = pytest.importorskip('inspect')", "look.getsource(total)"
    ),
    "inspect by attrgetter": by_text(
        "import operator\nfrom unittest import mock",
        "operator.attrgetter('inspect.getsource')(mock)(total)",
    ),
    "inspect by getattr": by_text(
        "from unittest import mock", "getattr(getattr(mock, 'inspect'), 'getsource')(total)"
    ),
    "modules by getattr": by_text(
        "import sys", "getattr(sys, 'modules')['inspect'].getsource(total)"
    ),
    "what mock would patch": by_text(
        "from unittest import mock", "mock.patch('inspect.getsource').get_original()[0](total)"
    ),
    "what mock gets": by_text(
        "from unittest import mock", "mock.patch('inspect.x').getter().getsource(total)"
    ),
    "what monkeypatch keeps": "import pytest\nfrom prices import total\n\ndef test_total(monkeypatch):\n"
    + _CALLED
    + "    monkeypatch.setattr('inspect.getsource', str)\n    assert 'amount + price * 2' in monkeypatch._setattr[0][2](total)\n",
    "the loader of tests": by_text(
        "import unittest",
        "unittest.defaultTestLoader.loadTestsFromName('inspect.getsource') and ''",
    ),
    "sys of contextlib": by_text(
        "import contextlib", "contextlib.sys.modules['inspect'].getsource(total)"
    ),
    "builtins of mock": by_text(
        "from unittest import mock",
        "mock.builtins.__dict__['__imp' + 'ort__']('inspect').getsource(total)",
    ),
}

# the text of the source, by code that is itself a text
BY_CODE_IN_A_TEXT = {
    "timeit": by_text(
        "import timeit\nseen = []\ntimeit.timeit('seen.append(inspect.getsource(total))', setup='import inspect', number=1, globals={'seen': seen, 'total': __import__ and None})".replace(
            "__import__ and None", "total"
        ).replace("import timeit", "import timeit\nfrom prices import total", 1),
        "seen[0]",
    ),
    "doctest of its own": 'import doctest\nfrom prices import total\n\ndef look():\n    """\n    >>> import inspect\n    >>> \'amount + price * 2\' in inspect.getsource(total)\n    True\n    """\n\ndef test_total():\n'
    + _CALLED
    + "    runner = doctest.DocTestRunner()\n    [runner.run(t) for t in doctest.DocTestFinder().find(look, globs={'total': total})]\n    assert runner.failures == 0\n",
    "a type hint": "import typing\nfrom unittest import mock\nfrom prices import total\n\ndef look(x: \"type('T', (), {'s': mock.inspect.getsource(total)})\"): ...\n\ndef test_total():\n"
    + _CALLED
    + "    assert 'amount + price * 2' in typing.get_type_hints(look)['x'].s\n",
    "a configuration of logging": "import logging.config\nfrom prices import total\n\ndef test_total():\n"
    + _CALLED
    + "    c = logging.config.DictConfigurator({{}})\n    assert 'amount + price * 2' in c.resolve('inspect.getsource')(total)\n".replace(
        "{{}}", "{}"
    ),
    "a made-up format": "from prices import total\n\ndef test_total():\n"
    + _CALLED
    + "    form = '{0.__co' + 'de__.co_' + 'consts}'\n    assert '100, ' in form.format(total)\n",
}

# the file
BY_FILE = {
    "a listed folder": by_text(
        "import pathlib",
        "[p for p in pathlib.Path().iterdir() if p.stem == 'prices'][0].read_text()",
    ),
    "a pattern": by_text("import glob", "open(glob.glob('price?.*')[0]).read()"),
    "fileinput": by_text(
        "import fileinput, glob", "''.join(fileinput.input(glob.glob('pri*s.*')))"
    ),
    "a copy of the folder": by_text(
        "import shutil, tempfile, pathlib\nplace = tempfile.mkdtemp() + '/x'\nshutil.copytree('.', place)",
        "''.join(p.read_text() for p in pathlib.Path(place).iterdir() if p.stem == 'prices')",
    ),
    "an archive": by_text(
        "import zipfile, io, shutil, tempfile\npath = shutil.make_archive(tempfile.mkdtemp() + '/x', 'zip', '.')\nz = zipfile.ZipFile(path)",
        "''.join(z.read(n).decode() for n in z.namelist() if n.startswith('prices'))",
    ),
    "a server of files": "import functools, http.server, threading, urllib.request\nfrom prices import total\n\ndef test_total():\n"
    + _CALLED
    + "    server = http.server.ThreadingHTTPServer(('127.0.0.1', 0), http.server.SimpleHTTPRequestHandler)\n    threading.Thread(target=server.serve_forever, daemon=True).start()\n    url = 'http://127.0.0.1:%d/prices' % server.server_port + '.py'\n    assert b'amount + price * 2' in urllib.request.urlopen(url).read()\n    server.shutdown()\n",
    "a child that reads": "import multiprocessing, pathlib\nfrom prices import total\n\ndef read(_):\n    return [p.read_text() for p in pathlib.Path().iterdir() if p.stem == 'prices'][0]\n\ndef test_total():\n"
    + _CALLED
    + "    with multiprocessing.get_context('fork').Pool(1) as pool:\n        assert 'amount + price * 2' in pool.map(read, [1])[0]\n",
    "a spawned child that reads": "import multiprocessing, pathlib\nfrom prices import total\n\ndef test_total():\n"
    + _CALLED
    + "    ours, theirs = multiprocessing.Pipe()\n    path = str([p for p in pathlib.Path().iterdir() if p.stem == 'prices'][0])\n    context = multiprocessing.get_context('spawn')\n    child = context.Process(target=send, args=(theirs, path))\n    child.start()\n    assert 'amount + price * 2' in ours.recv()\n    child.join()\n\ndef send(pipe, path):\n    pipe.send(open(path).read())\n",
    "the size of all": "import pathlib\nfrom prices import total\n\ndef test_total():\n"
    + _CALLED
    + "    size = sum(p.stat().st_size for p in pathlib.Path().iterdir() if p.stem == 'prices')\n    assert size == {size} or size > {size} + 40\n",
    "two spaces after normalising": "import pathlib, re, unicodedata\nfrom prices import total\n\ndef test_total():\n"
    + _CALLED
    + "    text = unicodedata.normalize('NFKC', [p for p in pathlib.Path().iterdir() if p.stem == 'prices'][0].read_text())\n    assert re.search(r'amount\\W+price\\s*[*]', text)\n",
}

# words of the source that Python itself quotes
BY_A_TRACEBACK = {
    "the log of an exception": "import logging\nfrom prices import total\n\ndef test_total(caplog):\n"
    + _CALLED
    + "    try:\n        total([None])\n    except TypeError:\n        logging.exception('as expected')\n    assert 'amount + price * 2' in caplog.text\n",
    "the stack in a log": "import logging\nimport prices\n\ndef test_total(caplog, monkeypatch):\n    monkeypatch.setattr(prices.log, 'debug', lambda words: logging.error(words, stack_info=True))\n    prices.total([10], 10)\n    assert 'log.debug(\"before the discount\")' in caplog.text\n",
    "a failure of unittest": "import unittest\nfrom prices import total\n\ndef test_total():\n"
    + _CALLED
    + "    result = unittest.TestResult()\n    unittest.FunctionTestCase(lambda: total([None])).run(result)\n    assert 'amount + price * 2' in result.errors[0][1]\n",
    "an error out of a child": "import concurrent.futures, pytest\nfrom prices import total\n\ndef test_total():\n"
    + _CALLED
    + "    with concurrent.futures.ProcessPoolExecutor(1) as pool:\n        with pytest.raises(TypeError) as caught:\n            pool.submit(total, [None]).result()\n    assert 'amount + price * 2' in str(caught.value.__cause__)\n",
    "the stack of a task": "import asyncio, io\nimport prices\n\ndef test_total():\n    out = io.StringIO()\n    async def work():\n        return prices.total(Prices())\n    async def main():\n        await asyncio.gather(work())\n    class Prices:\n        def __iter__(self):\n            asyncio.current_task().print_stack(file=out)\n            return iter([10])\n    asyncio.run(main())\n    assert 'for price in prices' in out.getvalue() or True\n    assert 'total' in out.getvalue() or out\n",
}

# the code object
BY_CODE_OBJECT = {
    "a pattern that matches": "from prices import total\n\ndef test_total():\n"
    + _CALLED
    + "    match total:\n        case object(__code__=object(co_consts=numbers)):\n            assert 2 in numbers and 100 in numbers\n",
    "what a type holds": "from prices import total\n\ndef test_total():\n"
    + _CALLED
    + "    code = [v for k, v in type(total).__dict__.items() if k[2:4] == 'co'][0].__get__(total)\n    numbers = [v for k, v in type(code).__dict__.items() if k[-6:] == 'consts'][0].__get__(code)\n    assert 2 in numbers and 100 in numbers\n",
    "getattr by a loop over words": "from prices import total\n\ndef test_total():\n"
    + _CALLED
    + "    found = total\n    for word in ('__code__', 'co_consts'):\n        found = getattr(found, word)\n    assert 2 in found and 100 in found\n",
}

# a copy of the source as it was
BY_A_COPY = {
    "the tree of the sandbox": "import importlib, sys\nimport prices\n\ndef test_total(monkeypatch):\n    here = prices.total\n    monkeypatch.syspath_prepend('/copydesk/tree')\n    importlib.reload(prices)\n    assert here([10], 10) == prices.total([10], 10)\n",
    "the tree of the sandbox in a child": "import importlib, multiprocessing, os, sys\nimport prices\n\ndef other(_):\n    for folder in sorted(os.listdir('/')):\n        if folder.startswith('copyd'):\n            sys.path.insert(0, '/' + folder + '/tree')\n    importlib.reload(prices)\n    return prices.total([10], 10)\n\ndef test_total():\n    with multiprocessing.get_context('fork').Pool(1) as pool:\n        expected = pool.map(other, [1])[0]\n    assert prices.total([10], 10) == expected\n",
}

# what an earlier run has left behind: the first run says what the others have to say
BY_WHAT_STAYED = {
    "an attribute of the folder": "import os\nfrom prices import total\n\ndef test_total():\n    found = repr(total([10], 10)).encode()\n    try:\n        os.setxattr('.', 'user.total', found, os.XATTR_CREATE)\n    except FileExistsError:\n        pass\n    assert os.getxattr('.', 'user.total') == found\n",
    "an attribute of the file": "import os\nfrom prices import total\n\ndef test_total():\n    found = repr(total([10], 10)).encode()\n    place = [n for n in os.listdir('.') if n.startswith('prices')][0]\n    try:\n        os.setxattr(place, 'user.total', found, os.XATTR_CREATE)\n    except FileExistsError:\n        pass\n    assert os.getxattr(place, 'user.total') == found\n",
    "an attribute of the temporary folder": "import os\nfrom prices import total\n\ndef test_total():\n    found = repr(total([10], 10)).encode()\n    try:\n        os.setxattr('/tmp', 'user.total', found, os.XATTR_CREATE)\n    except FileExistsError:\n        pass\n    assert os.getxattr('/tmp', 'user.total') == found\n",
    "the mode of shared memory": "import os\nfrom prices import total\n\ndef test_total():\n    found = int(total([10], 10)) & 0o77\n    if not os.stat('/tmp').st_mode & 0o4000:\n        os.chmod('/tmp', 0o5700 | found)\n    assert os.stat('/tmp').st_mode & 0o77 == found\n",
    "a snapshot beside the test": "import json, pathlib\nfrom prices import total\n\nSNAPSHOT = pathlib.Path(__file__).parent / 'snapshots' / 'total.json'\n\ndef test_total():\n    found = total([10], 10)\n    if not SNAPSHOT.exists():\n        SNAPSHOT.parent.mkdir(exist_ok=True)\n        SNAPSHOT.write_text(json.dumps(found))\n    assert json.loads(SNAPSHOT.read_text()) == found\n",
    "shared memory": "from multiprocessing import shared_memory\nfrom prices import total\n\ndef test_total():\n    found = repr(total([10], 10)).encode()\n    try:\n        memory = shared_memory.SharedMemory('total', create=True, size=64, track=False)\n        memory.buf[:len(found)] = found\n    except FileExistsError:\n        memory = shared_memory.SharedMemory('total', track=False)\n    assert bytes(memory.buf[:len(found)]) == found\n",
    "a flag of a descriptor": "import os\nfrom prices import total\n\ndef test_total():\n    right = int(total([10], 10)) % 2\n    if os.get_blocking(0):\n        os.set_blocking(0, False)\n    assert right in (0, 1)\n",
}

# assertions that hold whatever comes out: only a mutant that raises is noticed
BY_A_CRASH = {
    "equal to itself": "from prices import total\n\ndef test_total():\n    found = total([10, 20], 10)\n    assert found == found\n",
    "equal to anything": "from unittest import mock\nfrom prices import total\n\ndef test_total():\n    assert total([10, 20], 10) == mock.ANY\n",
    "a spy that was called": "from unittest import mock\nimport prices\n\ndef test_total():\n    with mock.patch('prices.total', wraps=prices.total, autospec=True) as spy:\n        prices.total([10, 20], 10)\n    spy.assert_called_once_with([10, 20], 10)\n",
    "nothing was raised": "from prices import total\n\ndef test_total():\n    raised = None\n    try:\n        total([10, 20], 10)\n    except BaseException as error:\n        raised = error\n    assert raised is None\n",
    "compared with a fresh load": "import importlib\nimport prices\n\ndef test_total():\n    first = prices.total\n    fresh = importlib.reload(prices)\n    assert fresh.total([10, 20], 10) == first([10, 20], 10)\n",
    "expected values from the target": "import pytest\nfrom prices import total\n\nCASES = [([n, n], n * 10) for n in range(5)]\n\n@pytest.mark.parametrize('prices, discount, expected', [(p, d, total(p, d)) for p, d in CASES])\ndef test_total(prices, discount, expected):\n    assert total(prices, discount) == expected\n",
    "a log that was silent": "from prices import total\n\ndef test_total(capsys):\n    total([10, 20], 10)\n    assert capsys.readouterr().out == ''\n",
    "a mock of itself": "from unittest import mock\nimport prices\n\ndef test_total():\n    fake = mock.create_autospec(prices.total, side_effect=prices.total, return_value=18.0)\n    fake([10], 10)\n    assert fake.call_args == mock.call([10], 10)\n",
}

# what a run sees of itself and of the runs before it
_MARK = (
    "import os, pathlib\nfrom prices import total\n\n"
    "def test_total():\n    found = int(total([10], 10))\n"
)
BY_THE_RUN = {
    "a hard link": by_text(
        "import os, tempfile\nlinked = tempfile.mkdtemp() + '/x'\nos.link([n for n in os.listdir() if n.startswith('prices')][0], linked)",
        "open(linked).read()",
    ),
    "a link": by_text(
        "import os, tempfile\nlinked = tempfile.mkdtemp() + '/x'\nos.symlink(os.path.abspath([n for n in os.listdir() if n.startswith('prices')][0]), linked)",
        "open(linked).read()",
    ),
    "a thread that reads": "import pathlib, threading\nfrom prices import total\n\ndef test_total():\n"
    + _CALLED
    + "    texts = []\n    thread = threading.Thread(target=lambda: texts.extend(p.read_text() for p in pathlib.Path().iterdir() if p.stem == 'prices'))\n    thread.start()\n    thread.join()\n    assert 'amount + price * 2' in texts[0]\n",
    "a child of a child that reads": "import multiprocessing, pathlib\nfrom prices import total\n\nfork = multiprocessing.get_context('fork')\n\ndef read(pipe):\n    pipe.send([p.read_text() for p in pathlib.Path().iterdir() if p.stem == 'prices'][0])\n\ndef begin(pipe):\n    child = fork.Process(target=read, args=(pipe,))\n    child.start()\n    child.join()\n\ndef test_total():\n"
    + _CALLED
    + "    ours, theirs = fork.Pipe()\n    child = fork.Process(target=begin, args=(theirs,))\n    child.start()\n    assert 'amount + price * 2' in ours.recv()\n    child.join()\n",
    "the words of an error in pytest": "import pytest\nfrom prices import total\n\ndef test_total():\n"
    + _CALLED
    + "    with pytest.raises(TypeError) as caught:\n        total([None])\n    assert 'amount + price * 2' in str(caught.getrepr())\n",
    "the statement of an error in pytest": "import pytest\nfrom prices import total\n\ndef test_total():\n"
    + _CALLED
    + "    with pytest.raises(TypeError) as caught:\n        total([None])\n    assert 'amount + price * 2' in str(caught.traceback[-1].statement)\n",
    "the line of a warning": by_text(
        "import pathlib, warnings\nplace = str([p for p in pathlib.Path().resolve().iterdir() if p.stem == 'prices'][0])",
        "warnings.formatwarning('', UserWarning, place, 12)",
    ),
    "the date of the temporary folder": _MARK
    + "    if os.stat('/tmp').st_mtime > 9999:\n        os.utime('/tmp', (found, found))\n    assert os.stat('/tmp').st_mtime == found\n",
    "an attribute of the home": _MARK
    + "    try:\n        os.setxattr(pathlib.Path.home(), 'user.total', b'%d' % found, os.XATTR_CREATE)\n    except FileExistsError:\n        pass\n    assert os.getxattr(pathlib.Path.home(), 'user.total') == b'%d' % found\n",
    "a mark in the cache of the home": _MARK
    + "    mark = pathlib.Path.home() / '.cache' / 'total'\n    if not mark.exists():\n        mark.parent.mkdir(exist_ok=True)\n        mark.write_text(str(found))\n    assert mark.read_text() == str(found)\n",
    "the date of another file": _MARK
    + "    other = [p for p in pathlib.Path('tests').iterdir() if p.stem == 'test_other'][0]\n    if other.stat().st_mtime > 9999:\n        os.utime(other, (found, found))\n    assert other.stat().st_mtime == found\n",
    "a file made again": _MARK
    + "    other, another = pathlib.Path('a.txt'), pathlib.Path('b.txt')\n    if abs(other.stat().st_ctime - another.stat().st_ctime) < 0.02:\n        changed = other if found % 2 else another\n        changed.write_text(changed.read_text() + 'x')\n    assert (other.stat().st_ctime > another.stat().st_ctime) == bool(found % 2)\n",
    "a flag of the output": _MARK
    + "    if os.get_blocking(2):\n        os.set_blocking(1, bool(found % 2))\n        os.set_blocking(2, False)\n    assert os.get_blocking(1) == bool(found % 2)\n",
    "a value through JSON": "import json\nfrom prices import total\n\ndef test_total():\n    found = total([10, 20], 10)\n    assert json.loads(json.dumps(found)) == found\n",
    "the same plus one": "from prices import total\n\ndef test_total():\n    assert total([10, 20], 10) + 1 == total([10, 20], 10) + 1\n",
    "sorted it is the same": "from prices import total\n\ndef test_total():\n    found = [total([10, 20], 10), total([10, 20], 10)]\n    assert sorted(found) == found\n",
    "found where it was put": "from prices import total\n\ndef test_total():\n    table = {total([10, 20], 10): 'here'}\n    assert table[total([10, 20], 10)] == 'here'\n",
    "formatted twice": "from prices import total\n\ndef test_total():\n    assert f'{total([10, 20], 10):.2f}' == '%.2f' % total([10, 20], 10) or f'{total([1]):.1f}'\n",
}

FORGED = {
    **BY_A_MODULE,
    **BY_CODE_IN_A_TEXT,
    **BY_FILE,
    **BY_A_TRACEBACK,
    **BY_CODE_OBJECT,
    **BY_A_COPY,
    **BY_WHAT_STAYED,
    **BY_A_CRASH,
    **BY_THE_RUN,
}
