"""Coverage of the same projects, measured in other places: tox, other machines, several runs."""

from __future__ import annotations

import contextlib
import json
import os
from pathlib import Path
from xml.sax.saxutils import quoteattr

import pytest
from coverage import Coverage, CoverageData

from copydesk.agent.coverage.gate.coverage_files import CoverageFile, read_coverage_file
from copydesk.agent.coverage.store import FileLines

FORMATS = ("data", "xml", "json", "lcov")
CODE = "x1 = 1\nx2 = 2\n\nx4 = 4\n"
ROWS = [1, 4]
LINES = FileLines(frozenset({1, 2, 4}), frozenset({2}))


def fill(top: Path, texts: dict[str, str]) -> None:
    """Write some files."""
    for path, text in texts.items():
        (top / path).parent.mkdir(parents=True, exist_ok=True)
        (top / path).write_text(text)


def write_data(file: Path, executed: dict[str, list[int]]) -> None:
    """A data file as coverage.py leaves it, wherever the named files are."""
    data = CoverageData(basename=str(file))
    data.add_lines(executed)
    data.touch_files(list(executed))
    data.write()


def reports(folder: Path, data: Path) -> dict[str, Path]:
    """Report some data in every format, as coverage.py does in a folder."""
    files = {form: folder / f"report.{form}" for form in FORMATS}
    files["data"] = data
    with contextlib.chdir(folder):
        cov = Coverage(data_file=str(data), messages=False)
        cov.load()
        cov.xml_report(outfile=str(files["xml"]))
        cov.json_report(outfile=str(files["json"]))
        cov.lcov_report(outfile=str(files["lcov"]))
    return files


def judge(top: Path, report: Path, tracked: dict[str, str]) -> CoverageFile:
    with contextlib.chdir(top):
        return read_coverage_file(report, top, tracked.keys(), tracked.get)


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("has_paths", [True, False], ids=["paths", "no paths"])
def test_an_installed_copy_is_the_source_that_it_was_built_from(
    tmp_path: Path, form: str, has_paths: bool
) -> None:
    tracked = {"src/pkg/a.py": CODE, "src/pkg/sub/a.py": CODE, "tests/test_a.py": "import pkg\n"}
    site = ".tox/py311/lib/python3.11/site-packages"
    fill(tmp_path, tracked | {f"{site}/pkg/a.py": CODE, f"{site}/pkg/sub/a.py": CODE})
    paths = "[paths]\nsource =\n    src\n    */site-packages\n" if has_paths else ""
    (tmp_path / ".coveragerc").write_text(f"[run]\n{paths}")
    names = {str(tmp_path / site / name): ROWS for name in ("pkg/a.py", "pkg/sub/a.py")}
    write_data(tmp_path / ".coverage", names)
    coverage = judge(tmp_path, reports(tmp_path, tmp_path / ".coverage")[form], tracked)
    assert {path: coverage.files.get(path) for path in tracked} == {
        "src/pkg/a.py": LINES, "src/pkg/sub/a.py": LINES, "tests/test_a.py": None
    }  # fmt: skip


@pytest.mark.parametrize("form", FORMATS)
def test_a_setting_of_the_project_says_which_of_two_copies_is_installed(
    tmp_path: Path, form: str
) -> None:
    tracked = {"src/pkg/a.py": CODE, "old/pkg/a.py": CODE}
    site = "venv/lib/python3.11/site-packages"
    fill(tmp_path, tracked | {f"{site}/pkg/a.py": CODE})
    (tmp_path / ".coveragerc").write_text("[paths]\nsource =\n    src\n    */site-packages\n")
    write_data(tmp_path / ".coverage", {str(tmp_path / site / "pkg/a.py"): ROWS})
    coverage = judge(tmp_path, reports(tmp_path, tmp_path / ".coverage")[form], tracked)
    assert coverage.files == {"src/pkg/a.py": LINES}


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("relative", [True, False], ids=["relative", "absolute"])
def test_runs_that_were_joined_are_each_others_complement(
    tmp_path: Path, form: str, relative: bool
) -> None:
    tracked = {"src/pkg/a.py": CODE, "src/pkg/b.py": CODE}
    fill(tmp_path, tracked)
    (tmp_path / ".coveragerc").write_text(
        f"[run]\nrelative_files = {relative}\n"
        "[paths]\nsource =\n    src\n    */site-packages\n    C:\\ci\\work\\src\n    /ci/*/src\n"
    )
    for number, (folder, row) in enumerate(
        [("/ci/1/src", 1), ("C:\\ci\\work\\src", 4), ("/x/lib/python3.11/site-packages", 1)]
    ):
        separator = "\\" if "\\" in folder else "/"
        names = [f"{folder}{separator}pkg{separator}{name}.py" for name in "ab"]
        write_data(tmp_path / f".coverage.{number}", {name: [row] for name in names})
    with contextlib.chdir(tmp_path):
        cov = Coverage(messages=False)
        cov.combine()
        cov.save()
    coverage = judge(tmp_path, reports(tmp_path, tmp_path / ".coverage")[form], tracked)
    assert coverage.files == dict.fromkeys(tracked, LINES)


def written(form: str, file: Path, names: list[str]) -> Path:
    """A report of a machine whose files are not here, by hand where coverage.py would not."""
    if form == "data":
        write_data(file, dict.fromkeys(names, ROWS))
        return file
    counted = {row: int(row in ROWS) for row in (1, 2, 4)}
    if form == "json":
        lines = {"executed_lines": ROWS, "missing_lines": [2]}
        file.write_text(json.dumps({"files": dict.fromkeys(names, lines)}))
    elif form == "lcov":
        rows = "".join(f"DA:{row},{hits}\n" for row, hits in counted.items())
        text = "".join(f"SF:{name}\n{rows}end_of_record\n" for name in names)
        file.write_bytes(os.fsencode(text))
    else:
        rows = "".join(f'<line number="{row}" hits="{hits}"/>' for row, hits in counted.items())
        classes = "".join(
            f"<class filename={quoteattr(name)}><lines>{rows}</lines></class>" for name in names
        )
        file.write_text(f"<coverage><packages>{classes}</packages></coverage>")
    return file


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize(
    "root", ["C:\\Agent\\s", "d:\\AGENT\\S", "\\\\server\\share\\s", "\\\\?\\C:\\a\\s", "C:/a/s"]
)
def test_windows_knows_a_file_by_any_letter_case(tmp_path: Path, form: str, root: str) -> None:
    tracked = {"src/pkg/Core.py": CODE, "src/pkg/util.py": CODE, "src/other/util.py": "y = 1\n"}
    fill(tmp_path, tracked)
    separator = "/" if "/" in root else "\\"
    names = [separator.join([root, "Src", "PKG", name]) for name in ("core.py", "Util.py")]
    coverage = judge(tmp_path, written(form, tmp_path / "report", names), tracked)
    assert coverage.files == dict.fromkeys(["src/pkg/Core.py", "src/pkg/util.py"], LINES)


@pytest.mark.parametrize("form", FORMATS)
def test_a_relative_name_of_windows_is_known_by_any_letter_case(tmp_path: Path, form: str) -> None:
    tracked = {"src/pkg/Core.py": CODE, "src/pkg/util.py": CODE}
    fill(tmp_path, tracked)
    names = ["src\\PKG\\core.py", "Src\\pkg\\util.py"]
    coverage = judge(tmp_path, written(form, tmp_path / "report", names), tracked)
    assert coverage.files == dict.fromkeys(tracked, LINES)


@pytest.mark.parametrize("form", FORMATS)
def test_two_files_that_differ_in_letter_case_are_two(tmp_path: Path, form: str) -> None:
    tracked = {"src/a.py": CODE, "src/A.py": "y = 1\n"}
    fill(tmp_path, tracked)
    coverage = judge(tmp_path, written(form, tmp_path / "r", [f"{tmp_path}/src/a.py"]), tracked)
    assert coverage.files == {"src/a.py": LINES}
    coverage = judge(tmp_path, written(form, tmp_path / "w", ["C:\\w\\src\\a.py"]), tracked)
    assert coverage.files.get("src/A.py") is None
    assert coverage.files == {"src/a.py": LINES} or "src/a.py" in coverage.unclear


@pytest.mark.parametrize("form", ["json", "lcov"])
def test_a_name_that_is_no_utf8_means_its_file(tmp_path: Path, form: str) -> None:
    """XML and data cannot hold such a name: coverage.py ends with an error where it meets one."""
    name = os.fsdecode(b"src/caf\xe9.py")
    tracked = {name: CODE, "src/caf\u00e9.py": "y = 1\n"}
    coverage = judge(tmp_path, written(form, tmp_path / "report", [name]), tracked)
    assert coverage.files == {name: LINES}


@pytest.mark.parametrize("form", FORMATS)
def test_a_module_that_another_package_installs_is_no_file_of_the_project(
    tmp_path: Path, form: str
) -> None:
    tracked = {"src/pkg/six.py": "a = 1\n", "tools/six.py": "b = 1\n", "src/pkg/a.py": CODE}
    fill(tmp_path, tracked)
    site = "/venv/lib/python3.11/site-packages"
    report = written(form, tmp_path / "r", [f"{site}/six.py", f"{tmp_path}/src/pkg/a.py"])
    coverage = judge(tmp_path, report, tracked)
    assert coverage.files == {"src/pkg/a.py": LINES}


@pytest.mark.parametrize("form", FORMATS)
def test_one_module_that_is_installed_is_its_source(tmp_path: Path, form: str) -> None:
    tracked = {"src/solo.py": CODE, "docs/conf.py": "c = 1\n"}
    fill(tmp_path, tracked)
    site = "/venv/lib/python3.11/dist-packages"
    coverage = judge(tmp_path, written(form, tmp_path / "r", [f"{site}/solo.py"]), tracked)
    assert coverage.files == {"src/solo.py": LINES}
