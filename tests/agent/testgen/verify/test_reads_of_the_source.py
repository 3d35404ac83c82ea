"""What a draft reads of its target's source: heard in every process, asked about, quoted alike."""

from __future__ import annotations

import multiprocessing
import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.agent.testgen.conftest import LeanSandbox

from copydesk.agent.records import Interpreter
from copydesk.agent.sandbox.records import Tier
from copydesk.agent.sandbox.runner import Visible
from copydesk.agent.sandbox.tier import detect
from copydesk.agent.sandboxed.copydesk_tools.verify.shared_words import SharedWords
from copydesk.agent.sandboxed.copydesk_tools.verify.versions import encoder, filled
from copydesk.agent.testgen.project.tools import TOOLS

Write = Callable[[dict[str, str]], None]
HALF = "def half(n):\n    return n / 2\n"
TRUE = "    assert half(3) == 1.5\n"


def child_writes(words: SharedWords) -> None:
    words.add("from a child")
    words.add("from both")


def test_words_of_a_copy_of_the_process_are_heard_once() -> None:
    words = SharedWords()
    words.add("from both")
    words.add("é" * 600)
    child = multiprocessing.get_context("fork").Process(target=child_writes, args=(words,))
    child.start()
    child.join()
    assert set(words.texts()) >= {"from a child", "from both"}
    assert len(words.texts()) == 3
    words.clear()
    assert words.texts() == []


@pytest.mark.parametrize("text", ["", "x = 1", "x = 1\n", "# é\nx = 'é'\n"])
def test_a_filled_module_is_the_same_module(text: str) -> None:
    data = filled(encoder(b"# coding: latin-1\n")(text), 100)
    assert len(data) == 100
    names: dict[str, object] = {}
    exec(compile(b"# coding: latin-1\n" + data, "m.py", "exec"), names)
    assert ("x" in names) == ("x" in text)


def in_a_process(folder: Path, code: str) -> list[str]:
    """What a process prints that listens to itself, with a module `target` to read."""
    (folder / "target.py").write_text("def f():\n    raise KeyError\n")
    head = f"""\
        import sys
        sys.path[:0] = [{str(TOOLS)!r}, "."]
        from copydesk_tools.verify.audit_side_effects import SideEffects
        from copydesk_tools.verify.quoted_source import quote_as
        heard = SideEffects("target.py")
        quote_as("target.py", "first\\nsecond")
        """
    text = textwrap.dedent(head) + textwrap.dedent(code) + "\nprint(heard.asked)\n"
    words = [sys.executable, "-c", text]
    done = subprocess.run(words, cwd=folder, capture_output=True, text=True, check=True)
    return done.stdout.splitlines()


@pytest.mark.parametrize(
    "code",
    [
        "import target",
        "import importlib, target; importlib.reload(target)",
        "import runpy; runpy.run_path('target.py'); runpy.run_module('target')",
        "import os; os.stat('target.py'); os.listdir('.'); open('other', 'w')",
        "import inspect, target; inspect.getsource(target.f)",
    ],
)
def test_to_run_the_target_is_not_to_read_it(tmp_path: Path, code: str) -> None:
    assert in_a_process(tmp_path, code) == ["[]"]


@pytest.mark.parametrize(
    "code",
    [
        "open('target.py').read()",
        "import os; os.open('target.py', os.O_RDONLY)",
        "import os; os.link('target.py', 'x'); open('x')",
        "import shutil; shutil.copy('target.py', 'x')",
        "import target; target.__loader__.get_data('target.py')",
        "import target; target.__loader__.get_source('target')",
        "import target; target.__loader__.get_code('target')",
        "import os\nif os.fork() == 0:\n    open('target.py')\n    os._exit(0)\nos.wait()",
        "import threading as t\nx = t.Thread(None, open, args=['target.py'])\nx.start()\nx.join()",
    ],
)
def test_a_read_of_the_target_is_heard(tmp_path: Path, code: str) -> None:
    assert in_a_process(tmp_path, code)[-1] == "['reads the source file of what it tests']"


def test_python_quotes_the_given_words(tmp_path: Path) -> None:
    code = """
        import linecache, os, target, traceback
        try:
            target.f()
        except KeyError:
            print("second" in traceback.format_exc())
        os.utime("target.py", (1, 1))
        linecache.checkcache()
        print(linecache.getlines("target.py"))
        print(linecache.getlines(os.path.abspath("target.py"), {}))
        print(linecache.getline(os.__file__, 1)[:1])
        os.remove("target.py")
        linecache.clearcache()
        print(linecache.getlines("target.py"))
        """
    lines = r"['first\n', 'second\n']"
    assert in_a_process(tmp_path, code) == ["True", lines, lines, "r", "[]", "[]"]


@pytest.fixture
def on_a_full_sandbox(tree: Path, interpreter: Interpreter) -> LeanSandbox | None:
    """The full sandbox, where this machine has it: in a lesser one a draft asks before it runs."""
    capability = detect("auto", interpreter)
    if capability.tier is not Tier.FULL:
        return None
    return LeanSandbox(tree, tree, interpreter, capability, visible=Visible((".",), TOOLS))


READING = {
    "its own": "    assert read(0)\n",
    "a child's": "    with fork.Pool(1) as pool:\n        assert pool.map(read, [0])\n",
}


@pytest.mark.parametrize("name", READING)
def test_a_draft_that_reads_its_target_asks(
    climb, write: Write, name: str, on_a_full_sandbox: LeanSandbox | None
) -> None:
    write({"half.py": HALF})
    draft = (
        "import multiprocessing, pathlib\nfrom half import half\n\n"
        "fork = multiprocessing.get_context('fork')\n\n"
        "def read(_):\n    return [p.read_text() for p in pathlib.Path().iterdir()"
        " if p.stem == 'half']\n\n"
        "def test_x():\n" + TRUE + READING[name]
    )
    evidence, _ = climb("half.py", "half", [2], draft, origin="embedded")
    assert (evidence.verdict, evidence.asks) == ("verified", ())  # there it is the target's doing
    evidence, _ = climb("half.py", "half", [2], draft, approved=True)
    assert evidence.verdict == "verified"
    assert any(
        "a human said yes: it" in note and "reads the source" in note for note in evidence.notes
    )


def test_a_draft_that_goes_by_quoted_words_is_refused(climb, write: Write) -> None:
    write({"half.py": HALF})
    draft = (
        "import pytest\nfrom half import half\n\ndef test_x():\n" + TRUE + ""
        "    with pytest.raises(TypeError) as caught:\n        half(None)\n"
        "    assert 'return n / 2' in str(caught.getrepr())\n"
    )
    evidence, _ = climb("half.py", "half", [2], draft, approved=True)
    assert "reads the source file of what it tests" not in evidence.asks
    assert (evidence.verdict, evidence.rungs[-1].name) == ("failed", "behaviour")
