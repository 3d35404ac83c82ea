"""Questions to the user's own coverage.py, one request at a time, a JSON file each way.

Runs inside the user's interpreter with the commit's tree as working directory, so that source,
omit, include, exclude rules, plugins and branch are the project's own. Each question is a function
of the request that returns the answer.
"""

from __future__ import annotations

import hashlib
import importlib
import io
import json
import os
import sys
import types
from collections.abc import Iterable
from typing import Any

from . import coverage_internals as internals


class LazyModule(types.ModuleType):
    """A module that is loaded once something of it is called, or anything else is asked for."""

    def __init__(self, name: str, function: str) -> None:
        super().__init__(name)

        def load_and_call(*args: Any, **named: Any) -> Any:
            return getattr(self.load(), function)(*args, **named)

        setattr(self, function, load_and_call)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return getattr(self.load(), name)

    def load(self) -> types.ModuleType:
        """The module itself."""
        if sys.modules.get(self.__name__) is self:
            del sys.modules[self.__name__]
        return importlib.import_module(self.__name__)


# most questions are none for a report
for _name, _function in internals.RARELY_USED:
    sys.modules.setdefault(f"coverage.{_name}", LazyModule(f"coverage.{_name}", _function))

import coverage  # noqa: E402

TREE = "COPYDESK_TREE"
"""The variable that names the tree where this is started in a folder of it, a project's."""


def tree_root() -> str:
    """The tree: the folder in which this was started, or the one above it that is named."""
    return os.path.realpath(os.environ.get(TREE) or os.getcwd())


def relative_path(root: str, path: str) -> str | None:
    """A measured file's path as the repository knows it, or None outside the tree.

    What is relative is so to the folder in which this was started, the project's.
    """
    full = os.path.realpath(path)
    if not full.startswith(root + os.sep):
        return None
    return os.path.relpath(full, root).replace(os.sep, "/")


def open_coverage(request: dict[str, Any], **more: Any) -> Any:
    """A Coverage under the project's configuration, or under ours where it has none."""
    cov = coverage.Coverage(data_file=None, config_file=True, messages=False, debug=[], **more)
    keys = ["source", "source_pkgs", "include"]
    if internals.has_source_dirs():
        keys.append("source_dirs")
    if not any(cov.get_option(f"run:{key}") for key in keys):
        omit: Any = cov.get_option("run:omit") or []
        cov.set_option("run:source", request["default_source"])
        cov.set_option("run:omit", [*omit, *request["default_omit"]])
    cov.set_option("report:ignore_errors", True)
    return cov


def environment(request: dict[str, Any]) -> dict[str, Any]:
    """What the outcome of tests depends on besides the tree: Python and its packages.

    Nothing of it names a folder: the same packages in another folder, or on another machine, are
    the same environment.

    Returns:
        "python", "platform" and "distributions" in words, a "fingerprint" of them, the names of
        the packages with "plugins" of pytest, and of coverage.py its version ("coverage") and
        whether it is to measure "branch".
    """
    import importlib.metadata  # half as long as coverage.py takes, and most questions are others
    import platform

    cov = coverage.Coverage(config_file=True, data_file=None)
    packages, plugins = [], []
    for package in importlib.metadata.distributions():
        packages.append(f"{package.metadata['Name']}=={package.version}")
        if "pytest11" in (package.read_text("entry_points.txt") or ""):
            plugins.append(packages[-1])
    packages.sort()
    flags = getattr(sys, "abiflags", "")
    described = {
        "python": f"{sys.implementation.name} {platform.python_version()}{flags}",
        "platform": f"{sys.platform} {platform.machine()}",
        "distributions": "\n".join(packages),
    }
    return {
        **described,
        "fingerprint": hashlib.sha256(json.dumps(described).encode()).hexdigest()[:24],
        "branch": bool(cov.get_option("run:branch")),
        "coverage": coverage.__version__,
        "plugins": sorted(plugins),
    }


def project(request: dict[str, Any]) -> dict[str, Any]:
    """Everything there is to ask before a run: the environment, and which files count.

    Args:
        request: "candidates" are the Python files of the tree.

    Returns:
        What `environment` does, "always" and "measurable" (the files that count in the total
        executed or not, and those that count once executed), and "folders": where packages lie.
    """
    root = tree_root()
    answer = environment(request)
    answer["always"] = counted({**request, "executed": []})
    answer["measurable"] = counted({**request, "executed": request["candidates"]})
    folders = [os.path.realpath(path) for path in sys.path]
    answer["folders"] = [path for path in folders if not (path + os.sep).startswith(root + os.sep)]
    return answer


def module_name(full: str) -> str:
    """The dotted name under which a file is imported: a source may be named so."""
    folder = os.path.dirname(full)
    longest = ""
    for entry in sys.path:
        import_folder = os.path.join(os.path.realpath(entry), "")
        if full.startswith(import_folder) and len(import_folder) > len(longest):
            folder = longest = import_folder
    name = os.path.splitext(os.path.relpath(full, folder))[0].replace(os.sep, ".")
    return name[: -len(".__init__")] if name.endswith(".__init__") else name


def pretend_imported(root: str, name: str) -> None:
    """Put an empty stand-in for a package of the tree into sys.modules.

    coverage.py asks sys.modules where the files of a package named in `source` are.
    """
    if os.path.isdir(name) or name in sys.modules:
        return
    for entry in sys.path:
        stem = os.path.join(os.path.realpath(entry), *name.split("."))
        for full in (os.path.join(stem, "__init__.py"), stem + ".py"):
            if os.path.isfile(full) and full.startswith(root + os.sep):
                sys.modules[name] = types.ModuleType(name)
                sys.modules[name].__file__ = full
                return


def counted(request: dict[str, Any]) -> list[str]:
    """The files that belong to the total, executed or not."""
    root = tree_root()
    cov = open_coverage(request)
    for option in ("run:source", "run:source_pkgs"):
        for name in cov.get_option(option) or []:
            pretend_imported(root, name)
    cov.start()
    for path in request["executed"]:
        full = os.path.join(root, path)
        # coverage.py itself decides, by its own rules, whether a file is measured
        exec(compile("pass", full, "exec"), {"__name__": module_name(full)})
    cov.stop()
    paths = {relative_path(root, path) for path in cov.get_data().measured_files()}
    return sorted(path for path in paths if path)


def key_of(cov: Any, root: str, path: str) -> str:
    """A file as coverage data name it."""
    full = os.path.join(root, path)
    return os.path.relpath(full) if cov.get_option("run:relative_files") else full


def add_executed(request: dict[str, Any], cov: Any) -> Any:
    """Put the request's lines or arcs into a Coverage; returns its data."""
    root = tree_root()
    data = cov.get_data()
    executed = {key_of(cov, root, path): hits for path, hits in request["executed"].items()}
    if request["branch"]:
        data.add_arcs({key: list(map(tuple, arcs)) for key, arcs in executed.items()})
    else:
        data.add_lines(executed)
    data.touch_files(list(executed))
    return data


def analyse(request: dict[str, Any]) -> dict[str, Any]:
    """What coverage.py's JSON report has of files.

    Returns:
        "files" with statements, missing lines and branches, by path; "reasons" why others of the
        request's files are not among them, where coverage.py cannot analyse them.
    """
    if not request["executed"]:
        return {"files": {}, "reasons": {}}
    cov = open_coverage(request, branch=request["branch"])
    add_executed(request, cov)
    files = analyses(cov)
    if files is None:
        files = json_report(cov)
    return {"files": files, "reasons": reasons(cov, request["executed"].keys() - files.keys())}


def reasons(cov: Any, paths: Iterable[str]) -> dict[str, str]:
    """Why coverage.py's report says nothing of files, in words, by path.

    Those that the configuration of reports leaves out have no reason.
    """
    root = tree_root()
    answer = {path: reason(cov, os.path.join(root, path)) for path in sorted(paths)}
    return {path: why for path, why in answer.items() if why}


def reason(cov: Any, full: str) -> str:
    """Why coverage.py cannot analyse a file; "" where it can."""
    try:
        cov.analysis2(full)
    except Exception as error:  # a plugin may raise anything
        return reason_in_words(error)
    return ""


def reason_in_words(error: Exception) -> str:
    """An error of coverage.py's without the path that its words name."""
    if isinstance(error, coverage.exceptions.NoSource):
        return "coverage.py finds no source of it"
    words = str(error)
    if isinstance(error, coverage.exceptions.NotPython):
        problem = words.partition(" as Python source: ")[2]
        return f"coverage.py cannot parse it: {problem or 'it is not Python'}"
    return f"coverage.py cannot analyse it: {type(error).__name__}: {words}"


def analyses(cov: Any) -> dict[str, Any] | None:
    """What the JSON report would say, quicker; None where this coverage.py offers no way to it."""
    root = tree_root()
    try:
        files = internals.file_analyses(cov)
    except coverage.exceptions.NoDataError:
        return {}
    if files is None:
        return None
    return {relative_path(root, file.path) or file.path: analysis_entry(file) for file in files}


def analysis_entry(file: internals.FileAnalysis) -> dict[str, Any]:
    """One analysis in the form of an answer."""
    missing_branches = []
    for start, ends in sorted(file.missing_branches.items()):
        missing_branches += [[start, end] for end in sorted(ends)]
    return {
        "statements": sorted(file.statements),
        "missing": sorted(file.missing),
        "excluded": sorted(file.excluded),
        "missing_branches": missing_branches,
        "branches": file.branches,
        "counts": list(file.counts),
    }


def json_report(cov: Any) -> dict[str, Any]:
    """The JSON report itself."""
    import tempfile

    with tempfile.TemporaryDirectory() as scratch:
        output = os.path.join(scratch, "report.json")
        try:
            cov.json_report(outfile=output, include=None)
        except coverage.exceptions.NoDataError:
            return {}
        with open(output, encoding="utf-8") as file:
            report = json.load(file)
    root = tree_root()
    return {
        relative_path(root, path) or path: report_entry(e) for path, e in report["files"].items()
    }


def report_entry(entry: dict[str, Any]) -> dict[str, Any]:
    """One file of the JSON report in the form of an answer."""
    summary, missing = entry["summary"], entry["missing_lines"]
    branches = summary.get("num_branches", 0)
    counts = [summary["num_statements"], summary["missing_lines"]]
    return {
        "statements": sorted({*entry["executed_lines"], *missing}),
        "missing": missing,
        "excluded": entry["excluded_lines"],
        "missing_branches": entry.get("missing_branches", []),
        "branches": branches,
        "counts": [*counts, branches, summary.get("missing_branches", 0)],
    }


def path_under(top: str, path: str) -> str:
    """A file of this tree as one of the user's own work tree, which `top` names."""
    for root in (os.environ.get(TREE) or os.getcwd(), tree_root()):
        if path.startswith(root + os.sep):
            return top + path[len(root) :]
    return path


def export(request: dict[str, Any]) -> dict[str, Any]:
    """Write a report of the whole total, in any format that coverage.py writes.

    Args:
        request: "output" names the file (a folder for "html"), "format" is one of "json", "xml",
            "lcov", "html", "text" and "data", "top" the work tree that "data" names files in.
    """
    cov = open_coverage(request, branch=request["branch"])
    data = add_executed(request, cov)
    output, report_format = request["output"], request["format"]
    if report_format == "data":
        write_data(data, output, request["top"])
    elif report_format == "html":
        cov.html_report(directory=output)
    elif report_format == "text":
        with open(output, "w", encoding="utf-8") as file:
            cov.report(file=file, show_missing=True)
    else:
        getattr(cov, f"{report_format}_report")(outfile=output)
        if report_format == "xml" and has_lost_files(output):
            cov.set_option("run:source", [tree_root()])  # then names are relative to the top
            cov.xml_report(outfile=output)
    return {}


def has_lost_files(output: str) -> bool:
    """Whether an XML report lacks files: of two with one name below their sources, it has one."""
    with open(output, encoding="utf-8") as file:
        text = file.read()
    counted = text.partition(' lines-valid="')[2].partition('"')[0]
    return counted.isdigit() and text.count("<line ") < int(counted)


def write_data(data: Any, output: str, top: str) -> None:
    """Write a .coverage file with the paths where others look for the files."""
    with open(output, "wb"):
        pass
    os.unlink(output)
    exported = coverage.CoverageData(basename=output)
    path_of = {path: path_under(top, path) for path in data.measured_files()}
    if data.has_arcs():
        exported.add_arcs({path: data.arcs(key) or [] for key, path in path_of.items()})
    else:
        exported.add_lines({path: data.lines(key) or [] for key, path in path_of.items()})
    exported.touch_files(list(path_of.values()))  # also those that no test imports
    exported.write()


QUESTIONS = {
    "environment": environment,
    "project": project,
    "counted": counted,
    "analyse": analyse,
    "export": export,
}


def main() -> None:
    """Answer one request: sys.argv names its file, and the one for the answer."""
    with open(sys.argv[1], encoding="utf-8") as file:
        request = json.load(file)
    sys.stdout = io.StringIO()  # reports print
    question: Any = QUESTIONS[request["question"]]
    answer = question(request)
    with open(sys.argv[2], "w", encoding="utf-8") as file:
        json.dump(answer, file)


if __name__ == "__main__":
    main()
