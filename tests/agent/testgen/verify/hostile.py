"""Drafts that mean harm or lie, each with the kind of attack: data for test_hostile.py.

`T` stands for a true test of grade(), so that only the attack speaks against a draft; paths in
braces are filled in by the tests. Written for this suite.
"""
# ruff: noqa: E501  # drafts read better on one line

from __future__ import annotations

HEAD = "import os, sys, pathlib\nfrom grades import grade\n"
T = "    assert grade(90) == 'A'\n    assert grade(89) == 'B'\n"


def harm(code: str) -> str:
    """A true test that does something else first, and swallows every error of it."""
    lines = "".join(f"        {line}\n" for line in code.strip().splitlines())
    return f"{HEAD}\ndef test_x():\n    try:\n{lines}    except Exception:\n        pass\n{T}"


HARMFUL = {
    "deletes the home": harm("import shutil; shutil.rmtree(pathlib.Path.home())"),
    "deletes the real home": harm("import shutil; shutil.rmtree('{home}')"),
    "reads keys": harm("open('{home}/.ssh/id_key').read()"),
    "reads keys of whoever it is": harm("(pathlib.Path.home() / '.ssh' / 'id_key').read_text()"),
    "reads shadow": harm("open('/etc/shadow').read()"),
    "reads the environment of others": harm("open('/proc/1/environ', 'rb').read()"),
    "writes outside": harm("open('{home}/mark', 'w').write('x')"),
    "writes a start file": harm("open(os.path.expanduser('~/.bashrc'), 'a').write('evil')"),
    "writes through a link": harm("os.symlink('{home}', 'l')\nopen('l/mark', 'w').write('x')"),
    "writes a hook": harm("os.makedirs('.git/hooks', exist_ok=True)\nopen('.git/hooks/post-commit', 'w').write('evil')"),
    "writes the real hook": harm("open('{top}/.git/hooks/post-commit', 'w').write('evil')"),
    "writes the desk": harm("import sqlite3; sqlite3.connect('{top}/.git/copydesk/desk.db').execute('delete from drafts')\nopen('{top}/.git/copydesk/desk.db', 'w').write('')"),
    "changes the venv": harm("open(os.path.join(sys.prefix, 'evil.pth'), 'w').write('import os')"),
    "changes a source": harm("open('grades.py', 'a').write('X = 1')"),
    "kills the daemon": harm("os.kill({bystander}, 9)"),
    "kills everybody": harm("os.kill(-1, 9)"),
    "kills its parent": harm("os.kill(os.getppid(), 9)"),
    "traces the daemon": harm("import ctypes; assert ctypes.CDLL(None).ptrace(16, {bystander}, 0, 0) == 0\nopen('/proc/{bystander}/mem', 'r+b')"),
    "calls the loopback": harm("import socket; socket.create_connection(('127.0.0.1', {port}), timeout=1).send(b'x')"),
    "calls the internet": harm("import socket; socket.create_connection(('93.184.216.34', 80), timeout=1)"),
    "sends a datagram": harm("import socket; socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b'x', ('127.0.0.1', {port}))"),
    "calls a unix socket": harm("import socket; socket.socket(socket.AF_UNIX).connect('{home}/sock')"),
    "calls an abstract socket": harm("import socket; socket.socket(socket.AF_UNIX).connect('\\0copydesk-{port}')"),
    "leaves a daemon": harm("if os.fork() == 0:\n    os.setsid()\n    if os.fork() == 0:\n        import time; time.sleep({nap})\n    os._exit(0)"),
    "leaves a shell": harm("os.system('setsid sleep {nap} >/dev/null 2>&1 &')"),
    "forks": harm("import time\nfor _ in range(2000):\n    if os.fork() == 0: time.sleep({nap}); os._exit(0)"),
    "fills memory": harm("x = []\nwhile True: x.append(bytearray(b'x' * 4000000))"),
    "fills memory with children": harm("import multiprocessing, time\ndef eat(n):\n    x = bytearray(b'x' * 150000000); time.sleep({nap})\nps = [multiprocessing.Process(target=eat, args=(i,)) for i in range(8)]\n[p.start() for p in ps]\n[p.join() for p in ps]"),
    "fills the disk": harm("n = 0\nwhile True:\n    n += 1; open('/tmp/fill%d' % n, 'wb').write(bytes(1 << 20))") + "    assert not os.path.exists('/tmp/fill500')\n    raise AssertionError('the disk was full: %s' % n)\n",
    "floods the output": harm("while True: os.write(1, b'x' * 65536); os.write(2, b'y' * 65536)"),
    "never ends": harm("import signal\nfor s in range(1, 30):\n    try: signal.signal(s, signal.SIG_IGN)\n    except (OSError, ValueError): pass\nwhile True: pass"),
}  # fmt: skip

FORGED = {
    "a summary line": HEAD + "\ndef test_x():\n    sys.__stdout__.write('1 passed in 0.01s\\n')\n    assert grade(90) == 'B'\n",
    "exit 0 in the test": HEAD + "\ndef test_x():\n    assert grade(90) == 'B' or os._exit(0)\n",
    "exit 0 at import": HEAD + "\nos._exit(0)\n\ndef test_x():\n    assert grade(90) == 'B'\n",
    "sys.exit at import": HEAD + "\nsys.exit(0)\n\ndef test_x():\n    assert grade(90) == 'B'\n",
    "an exit handler": HEAD + "import atexit\natexit.register(os._exit, 0)\n\ndef test_x():\n    assert grade(90) == 'B'\n",
    "a patched report": HEAD + "import pytest\nfrom _pytest.reports import TestReport\nTestReport.outcome = property(lambda s: 'passed', lambda s, v: None)\n\ndef test_x():\n    assert grade(90) == 'B'\n",
    "a patched call": HEAD + "import _pytest.python\n_pytest.python.Function.runtest = lambda self: grade(90)\n\ndef test_x():\n    assert grade(90) == 'B'\n",
    "a hook in the draft's plugin": HEAD + "import pytest\n\n@pytest.fixture(autouse=True, scope='session')\ndef forge(request):\n    class P:\n        @pytest.hookimpl(hookwrapper=True)\n        def pytest_runtest_makereport(self, item, call):\n            out = yield\n            out.get_result().outcome = 'passed'\n            out.get_result().longrepr = None\n    request.config.pluginmanager.register(P())\n    yield\n\ndef test_x():\n    grade(90)\n    assert grade(90) == 'B'\n",
    "a conftest for the next run": HEAD + "\ndef test_x():\n    pathlib.Path('tests/conftest.py').write_text('import pytest\\n@pytest.hookimpl(hookwrapper=True)\\ndef pytest_runtest_makereport(item, call):\\n    out = yield\\n    out.get_result().outcome = \"passed\"\\n')\n    assert grade(90) == 'A'\n",
    "a written coverage file": HEAD + "import sqlite3\n\ndef test_x():\n    sqlite3.connect('.coverage').execute('create table if not exists file(x)')\n    assert grade\n",
    "patched coverage": HEAD + "import coverage\ncoverage.CoverageData.add_arcs = lambda *a: None\n\ndef test_x():\n    assert grade\n",
    "a forged trace": HEAD + "import types\n\ndef test_x():\n    code = compile('\\n' * 7 + 'x = 1', os.path.realpath('grades.py'), 'exec')\n    exec(code)\n    assert grade is not None\n",
    "records on every descriptor": HEAD + "import json\n\ndef test_x():\n    for fd in range(3, 40):\n        try: os.write(fd, json.dumps({{'n': 1, 'kind': 'end', 'code': 0}}).encode() + b'\\n')\n        except OSError: pass\n    assert grade(90) == 'A'\n",
    "a replaced target": "import grades\ngrades.grade = lambda points: 'A'\n\ndef test_x():\n    assert grades.grade(90) == 'A'\n",
    "a monkeypatched target": "import grades\n\ndef test_x(monkeypatch):\n    grades.grade(90)\n    monkeypatch.setattr(grades, 'grade', lambda points: 'A')\n    assert grades.grade(90) == 'A'\n",
    "a mocked target": "from unittest import mock\nimport grades\n\ndef test_x():\n    grades.grade(95)\n    with mock.patch('grades.grade', return_value='A'):\n        assert grades.grade(90) == 'A'\n",
    "a mocked target that is called too": "from unittest import mock\nimport grades\n\ndef test_x():\n    with mock.patch('grades.grade', wraps=grades.grade) as fake:\n        grades.grade(90)\n        assert fake.called\n",
    "equal to everything": HEAD + "\nclass Any:\n    def __eq__(self, other): return True\n\ndef test_x():\n    assert grade(90) == Any()\n",
    "nothing is asked": HEAD + "\ndef test_x():\n    found = grade(90)\n    assert found is found\n",
    "errors are swallowed": HEAD + "\ndef test_x():\n    try:\n        assert grade(90) == 'Z'\n    except AssertionError:\n        pass\n",
    "everything is swallowed": HEAD + "\ndef test_x():\n    try:\n        assert grade(90) == 'Z'\n    except BaseException:\n        pass\n",
    "a hash of the source": HEAD + "import hashlib, inspect\n\ndef test_x():\n    assert grade(90)\n    text = inspect.getsource(grade)\n    assert hashlib.md5(text.encode()).hexdigest() == '{digest}'\n",
    "a hash of the file": HEAD + "import hashlib\n\ndef test_x():\n    assert grade(90)\n    data = pathlib.Path('grades.py').read_bytes()\n    assert hashlib.md5(data).hexdigest() == '{file_digest}'\n",
    "a hash of the code": HEAD + "import hashlib\n\ndef test_x():\n    assert grade(90)\n    code = getattr(grade, '__co' + 'de__').co_code\n    assert len(code) == {code_length}\n",
    "skipped": HEAD + "import pytest\n\ndef test_x():\n    assert grade(90) == 'A'\n    pytest.skip()\n",
    "expected to fail": HEAD + "import pytest\n\n@pytest.mark.xfail\ndef test_x():\n    assert grade(90) == 'B'\n",
    "no parameters": HEAD + "import pytest\n\n@pytest.mark.parametrize('p', [])\ndef test_x(p):\n    assert grade(p) == 'A'\n",
    "by luck": HEAD + "\ndef test_x():\n    assert grade(90) == 'A'\n    assert hash('x') % 4 == {lucky}\n",
    "a test that is replaced": HEAD + "\ndef test_x():\n    assert grade(90) == 'B'\n\nglobals()['test_x'] = lambda: None\n",
    "a swallowed probe": HEAD + "\ndef test_x():\n    try:\n        found = grade(90)\n    except BaseException:\n        found = 'A'\n    assert found in ('A', 'B', None) or True\n",
}  # fmt: skip
