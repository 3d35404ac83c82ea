from __future__ import annotations

import pytest
from coverage.numbits import nums_to_numbits

from copydesk.agent.coverage.measure.merge_traces import merge
from copydesk.agent.coverage.runner.run_tests import Recording, TestRun
from copydesk.agent.coverage.selection.affected import Selection, Tree, select
from copydesk.agent.coverage.source.constant_changes import changed_constants
from copydesk.agent.coverage.store.traces import CoverageMap, Trace, pack_arcs, unpack_arcs
from copydesk.agent.desk.traces import Hit

CORE = "LIMIT = 3\n\n\ndef used(x):\n    return x + LIMIT\n\n\ndef other(x):\n    return x\n"
OTHER = CORE.replace("return x\n", "return x + 0\n")
HELPER = "from core import LIMIT\n\nDOUBLE = LIMIT * 2\n\n\ndef double(x):\n    return x * DOUBLE\n"
TEST = "from core import used\n\n\ndef test_used():\n    assert used(1)\n"
TEST_B = "import helper\n\n\ndef test_double():\n    assert helper.double(1)\n"
TEST_LAZY = "def test_lazy():\n    from core import other\n    assert other(1)\n"
FILES = {
    "core.py": CORE,
    "helper.py": HELPER,
    "test_a.py": TEST,
    "test_b.py": TEST_B,
    "test_lazy.py": TEST_LAZY,
    "data.txt": "x",
}


def hit(path: str, *lines: int) -> Hit:
    return Hit(path, FILES[path], nums_to_numbits(lines))


def trace(
    kind: str,
    name: str,
    *hits: Hit,
    needs: tuple[tuple[str, str], ...] = (),
    outcome: str = "passed",
) -> Trace:
    return Trace(kind, name, outcome if kind == "test" else "none", 0.1, hits, frozenset(needs))


A, B, LAZY = "test_a.py::test_used", "test_b.py::test_double", "test_lazy.py::test_lazy"


def base(**more: Trace) -> CoverageMap:
    traces = [
        trace("test", A, hit("test_a.py", 5), hit("core.py", 5)),
        trace("test", B, hit("test_b.py", 5), hit("helper.py", 7)),
        trace("test", LAZY, hit("test_lazy.py", 2, 3), hit("core.py", 9)),
        trace("import", "core.py", hit("core.py", 1, 4, 8)),
        trace("import", "helper.py", hit("helper.py", 1, 3, 6)),
        trace("import", "test_a.py", hit("test_a.py", 1, 4)),
        trace("import", "test_b.py", hit("test_b.py", 1, 4)),
        trace("import", "test_lazy.py", hit("test_lazy.py", 1)),
        *more.values(),
    ]
    return CoverageMap("0" * 40, "env", False, {(t.kind, t.name): t for t in traces})


def run(changes: dict[str, str | None], found: CoverageMap | None = None) -> Selection:
    new = {p: t for p, t in {**FILES, **changes}.items() if t is not None}
    # a blob's id may as well be its text
    return select(
        found or base(),
        Tree(FILES, lambda blob: blob),
        Tree(new, lambda blob: blob),
        lambda path: path.startswith("test_"),
    )


@pytest.mark.parametrize(
    ("old", "new", "lines"),
    [
        ("v = '1'\nx = 2\n", "v = '2'\nx = 2\n", {1}),
        ("v = '1'\nx = 2\n", "v = '2'\nx = 3\n", {1, 2}),
        ("v = 'é'\n", "v = 'éé'\n", {1}),
        ("v = 1\n", "w = 1\n", set()),
        ("v = 1\n", "v = w\n", set()),
        ("v = 1\n", "v = 1; w = 2\n", set()),
        ("v = 1\n", "v = 1  # pragma: no cover\n", set()),
        ("v = 1\n", "v = 2\n\n", set()),
        ("v = u = 1\n", "v = u = 2\n", set()),
        ("if x:\n    v = 1\n", "if x:\n    v = 2\n", set()),
        ("t = '''\nv = 1\n'''\n", "t = '''\nv = 2\n'''\n", set()),
        ("v = 1\ndef f(): return 1\n", "v = 2\ndef f(): return 2\n", set()),
        ("v = (\n", "v = 2\n", set()),
    ],
)
def test_modules_that_differ_in_constants_alone(old: str, new: str, lines: set[int]) -> None:
    assert changed_constants(old, new) == lines


@pytest.mark.parametrize("more", [{}, {"core.py": "version = '1'\nshown = f'v{version}'\n"}])
def test_a_module_with_another_constant_is_not_imported_for_its_lines(more: dict[str, str]) -> None:
    old = {**FILES, "core.py": "version = '1'\n", **more}
    new = {**old, "core.py": old["core.py"].replace("'1'", "'2'")}
    known = trace("import", "core.py")
    known = known._replace(hits=(Hit("core.py", old["core.py"], nums_to_numbits([1])),))
    found = CoverageMap("0" * 40, "env", False, {("import", "core.py"): known})
    selection = select(
        found, Tree(old, lambda b: b), Tree(new, lambda b: b), lambda p: p.startswith("test_")
    )
    if more:  # what the module itself makes of it is not known
        assert ("import", "core.py") not in selection.carried
    else:
        (now,) = selection.carried["import", "core.py"].hits
        assert now == known.hits[0]._replace(blob=new["core.py"])
        assert selection.collect == set()


@pytest.mark.parametrize(
    ("changes", "affected"),
    [
        ({"core.py": CORE.replace("x + LIMIT", "LIMIT + x")}, {A}),
        ({"core.py": CORE.replace("LIMIT = 3", "LIMIT = 4")}, {A, B}),
        ({"core.py": CORE + "print(1)\n"}, {A, B, LAZY}),
        ({"core.py": CORE + "\n\ndef new():\n    pass\n"}, set()),
        ({"core.py": "# c\n" + CORE}, set()),
        ({"core.py": None}, {A, B, LAZY}),
        ({"helper.py": HELPER.replace("* 2", "* 3")}, {B}),
        ({"test_a.py": TEST.replace("used(1)", "used(2)")}, {A}),
        ({"test_a.py": None}, {A}),
        ({"conftest.py": "x = 1\n"}, {A, B, LAZY}),
        ({"data.txt": "y"}, set()),
        ({"core.py": "def broken(:"}, {A, B, LAZY}),
        ({"test_b.py": f"used = 1\n{TEST_B}", "core.py": OTHER}, {LAZY}),
        ({"helper.py": f"import used\n{HELPER}", "core.py": OTHER}, {LAZY}),
        ({"core.py": CORE.replace("LIMIT = 3", "LIMIT = 4"), "test_a.py": f"x = 1\n{TEST}"},
         {A, B}),
    ],
    ids=[
         "body", "constant through a helper", "side effect", "new function", "comment", "deleted",
         "module constant", "test body", "test file gone", "new conftest", "unread data", "broken",
         "a name of another test file", "an import of a module that is not used", "two changes"],
)  # fmt: skip
def test_what_a_change_affects(changes: dict[str, str | None], affected: set[str]) -> None:
    assert set(run(changes).affected) == affected


def test_data_folders_programs_fixtures_and_failures() -> None:
    reader = trace("test", "test_a.py::test_r", hit("test_a.py", 5), needs=(("file", "data.txt"),))
    lister = trace("test", "test_a.py::test_l", hit("test_a.py", 5), needs=(("folder", "."),))
    starter = trace("test", "test_a.py::test_p", hit("test_a.py", 5), needs=(("process", ""),))
    fixture = trace("fixture", "module:.:made", hit("core.py", 9))
    user = trace(
        "test", "test_b.py::test_f", hit("test_b.py", 5), needs=(("fixture", "module:.:made"),)
    )
    failed = trace("test", "test_b.py::test_bad", hit("test_b.py", 5), outcome="failed")
    found = base(a=reader, b=lister, c=starter, d=fixture, e=user, f=failed)
    assert set(run({"data.txt": "y"}, found).affected) == {reader.name, failed.name}
    assert set(run({"more.txt": "y"}, found).affected) == {lister.name, failed.name}
    assert set(run({"deep/er/more.txt": "y"}, found).affected) == {lister.name, failed.name}
    assert starter.name in run({"core.py": "# c\n" + CORE}, found).affected
    assert user.name in run({"core.py": CORE.replace("return x\n", "return +x\n")}, found).affected


def test_a_folder_that_a_test_asks_for_appears() -> None:
    asker = trace("test", "test_a.py::test_q", hit("test_a.py", 5), needs=(("file", "deep"),))
    found = base(q=asker)
    assert set(run({"deep/er/more.txt": "y"}, found).affected) == {asker.name}
    assert set(run({"other/more.txt": "y"}, found).affected) == set()


def test_a_fixture_asked_for_by_name_and_a_decorator() -> None:
    conftest = "import pytest\n\n\n@pytest.fixture\ndef made():\n    return 1\n"
    FILES["conftest.py"] = conftest
    try:
        user = trace("test", "test_b.py::test_u", hit("test_b.py", 5), needs=(("name", "made"),))
        changed = conftest.replace("def made():", "def made(request):")
        assert set(run({"conftest.py": changed}, base(u=user)).affected) == {user.name}
    finally:
        del FILES["conftest.py"]


def test_what_is_collected_again() -> None:
    assert run({"core.py": CORE.replace("x + LIMIT", "LIMIT + x")}).collect == {"test_a.py"}
    # nothing is affected, but the import of core executes another line now
    fresh = run({"core.py": CORE + "\n\ndef new():\n    pass\n"})
    assert fresh.affected == {}
    assert fresh.collect == {"test_b.py"} or fresh.collect == {"test_a.py"}
    assert run({"test_new.py": "def test_n():\n    pass\n"}).collect == {"test_new.py"}


def test_a_module_imported_only_inside_a_function_is_refreshed_by_running_its_users() -> None:
    only_lazy = base()
    for key in [("test", A), ("test", B), ("import", "test_a.py"), ("import", "test_b.py")]:
        del only_lazy.traces[key]
    found = run(
        {
            "core.py": CORE + "\n\ndef new():\n    pass\n",
            "test_a.py": None,
            "test_b.py": None,
            "helper.py": None,
        },
        only_lazy,
    )
    assert LAZY in found.affected
    assert "test_lazy.py" in found.collect


def test_a_module_imported_by_a_computed_name_is_known_from_what_was_recorded() -> None:
    plugin = "LIMIT = 3\n\n\ndef plugged(x):\n    return x + LIMIT\n"
    FILES["plugin.py"], FILES["loader.py"] = plugin, "def load(name):\n    __import__(name)\n"
    try:
        user = trace(
            "test", "test_a.py::test_plug", hit("test_a.py", 5), hit("plugin.py", 5),
            needs=(("import", "plugin.py"),),
        )  # fmt: skip
        found = base(u=user, p=trace("import", "plugin.py", hit("plugin.py", 1, 4)))
        for changed in (
            plugin.replace("LIMIT = 3", "LIMIT = 4"),
            plugin + "print(1)\n",
            plugin + "\n\ndef new():\n    pass\n",
        ):
            assert set(run({"plugin.py": changed}, found).affected) == {user.name}
        through = base(
            u=trace("test", "test_a.py::test_plug", needs=(("fixture", "session::made"),)),
            f=trace("fixture", "session::made", needs=(("import", "loader.py"),)),
            l=trace("import", "loader.py", needs=(("import", "plugin.py"),)),
            p=trace("import", "plugin.py", hit("plugin.py", 1, 4)),
        )
        assert (
            user.name in run({"plugin.py": plugin + "\n\ndef new():\n    pass\n"}, through).affected
        )
    finally:
        del FILES["plugin.py"], FILES["loader.py"]


def test_merging_drops_what_nothing_uses_any_more() -> None:
    selection = run(
        {"core.py": CORE.replace("x + LIMIT", "LIMIT + x"), "helper.py": None, "test_b.py": None}
    )
    recording = Recording(
        tests={A: TestRun("passed", 0.1, ("fixture:module:.:made",), ())},
        collected=(A,),
        errors={},
        lines={
            f"test:{A}": {"core.py": nums_to_numbits([5]), "gone.py": nums_to_numbits([1])},
            "fixture:module:.:made": {"core.py": nums_to_numbits([9])},
            "fixture:module:.:unused": {"core.py": nums_to_numbits([9])},
            "test:never::finished": {"core.py": nums_to_numbits([9])},
        },
        arcs={},
        needs={},
        seconds=1.0,
        tracer="x",
    )
    traces = merge(base(), selection, recording, {"core.py": "new"}, ["test_a.py"])
    names = {(t.kind, t.name) for t in traces}
    assert ("test", A) in names
    assert ("test", B) not in names
    assert ("fixture", "module:.:made") in names
    assert ("fixture", "module:.:unused") not in names
    assert ("import", "helper.py") not in names
    [test] = [t for t in traces if t.name == A]
    assert [h.path for h in test.hits] == ["core.py"]


def test_what_a_changed_import_may_leave_in_a_cache_is_run_again() -> None:
    kept = "import functools\n\n\n@functools.cache\ndef kept():\n    return 1\n\n\n"
    files = {
        "core.py": kept + "START = kept()\n",
        "test_a.py": "import core\n\n\ndef test_kept():\n    assert core.kept()\n\n\n"
        "def test_other():\n    assert core\n",
    }
    hits = [Hit("test_a.py", files["test_a.py"], nums_to_numbits([n])) for n in (5, 9)]
    names = [f"test_a.py::test_{name}" for name in ("kept", "other")]
    traces = [trace("test", *pair) for pair in zip(names, hits, strict=True)]
    found = CoverageMap("0" * 40, "env", False, {(t.kind, t.name): t for t in traces})
    old, new = Tree(files, str), Tree(files | {"core.py": kept + "START = int()\n"}, str)
    selection = select(found, old, new, lambda path: path.startswith("test_"))
    assert selection.affected == {names[0]: "uses a changed module-level name"}


def test_a_shared_fixture_keeps_what_its_other_users_made_it_execute() -> None:
    kept = trace("fixture", "module:.:made", hit("core.py", 9))
    user = trace(
        "test", "test_b.py::test_f", hit("test_b.py", 5), needs=(("fixture", "module:.:made"),)
    )
    selection = run({"test_a.py": TEST.replace("used(1)", "used(2)")}, base(k=kept, u=user))
    recording = Recording(
        tests={A: TestRun("passed", 0.1, ("fixture:module:.:made",), ())},
        collected=(A,), errors={}, arcs={}, needs={}, seconds=1.0, tracer="x",
        lines={"fixture:module:.:made": {"core.py": nums_to_numbits([5])}},
    )  # fmt: skip
    traces = merge(base(), selection, recording, {"core.py": CORE}, ["test_a.py"])
    [fixture] = [t for t in traces if t.kind == "fixture"]
    assert len(fixture.hits) == 2


def test_arcs_are_packed_and_unpacked() -> None:
    arcs = ((-1, 2), (2, -1), (2, 3))
    assert unpack_arcs(pack_arcs(reversed(arcs))) == arcs
    assert unpack_arcs(b"") == ()
