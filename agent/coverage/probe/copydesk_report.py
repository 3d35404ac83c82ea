"""Questions to the user's own coverage.py, one JSON request on standard input at a time.

Runs inside the user's interpreter with the commit's tree as working directory, so that source,
omit, include, exclude rules, plugins and branch are the project's own. Uses coverage.py's public
interface only.
"""

from __future__ import annotations

import hashlib
import importlib
import io
import json
import os
import sys
import types
from typing import Any


class Later(types.ModuleType):
    """A module that is loaded once something of it is called, or anything else is asked for."""

    def __init__(self, name: str, called: str) -> None:
        super().__init__(name)
        setattr(self, called, lambda *args, **named: getattr(self.real(), called)(*args, **named))

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return getattr(self.real(), name)

    def real(self) -> types.ModuleType:
        """The module itself."""
        if sys.modules.get(self.__name__) is self:
            del sys.modules[self.__name__]
        return importlib.import_module(self.__name__)


# a fifth of what coverage.py takes to import, and most questions are none for a report
for _name, _called in (
    ("annotate", "AnnotateReporter"),
    ("html", "HtmlReporter"),
    ("lcovreport", "LcovReporter"),
    ("multiproc", "patch_multiprocessing"),
    ("xmlreport", "XmlReporter"),
):
    sys.modules.setdefault(f"coverage.{_name}", Later(f"coverage.{_name}", _called))

import coverage  # noqa: E402


def relevant(root: str, path: str) -> str | None:
    """A measured file's path as the repository knows it, or None outside the tree."""
    full = os.path.realpath(os.path.join(root, path))
    return (
        os.path.relpath(full, root).replace(os.sep, "/") if full.startswith(root + os.sep) else None
    )


def open_coverage(request: dict[str, Any], **more: Any) -> Any:
    """A Coverage under the project's configuration, or under ours where it has none."""
    cov = coverage.Coverage(data_file=None, config_file=True, messages=False, **more)
    keys = ["source", "source_pkgs", "include"]
    if coverage.version_info >= (7, 8):
        keys.append("source_dirs")
    named = [cov.get_option(f"run:{key}") for key in keys]
    if not any(named):
        omit: Any = cov.get_option("run:omit") or []
        cov.set_option("run:source", request["default_source"])
        cov.set_option("run:omit", [*omit, *request["default_omit"]])
    cov.set_option("report:ignore_errors", True)
    return cov


def environment(request: dict[str, Any]) -> dict[str, Any]:
    """What the outcome of tests depends on besides the tree: Python and its packages."""
    import importlib.metadata  # half as long as coverage.py takes, and most questions are others

    cov = coverage.Coverage(config_file=True, data_file=None)
    packages, plugins = [], []
    for found in importlib.metadata.distributions():
        packages.append(f"{found.metadata['Name']}=={found.version}")
        if "pytest11" in (found.read_text("entry_points.txt") or ""):
            plugins.append(packages[-1])
    packages.sort()
    described = json.dumps([sys.version, sys.prefix, packages])
    return {
        "fingerprint": hashlib.sha256(described.encode()).hexdigest()[:24],
        "branch": bool(cov.get_option("run:branch")),
        "coverage": coverage.__version__,
        "plugins": sorted(plugins),
    }


def survey(request: dict[str, Any]) -> dict[str, Any]:
    """Everything there is to know before a run: the environment, and which files count."""
    root = os.path.realpath(os.getcwd())
    folders = [os.path.realpath(path) for path in sys.path]
    return environment(request) | {
        "always": counted(request | {"executed": []}),
        "measurable": counted(request | {"executed": request["candidates"]}),
        "folders": [
            path for path in folders if not f"{path}{os.sep}".startswith(f"{root}{os.sep}")
        ],
    }


def module_name(full: str) -> str:
    """The dotted name under which a file is imported: a source may be named so."""
    places = [os.path.join(os.path.realpath(place), "") for place in sys.path]
    place = max((p for p in places if full.startswith(p)), key=len, default=os.path.dirname(full))
    name = os.path.relpath(full, place)[: -len(".py")].replace(os.sep, ".")
    return name[: -len(".__init__")] if name.endswith(".__init__") else name


def stand_in(root: str, name: str) -> None:
    """Let a package of the tree pass for imported, for coverage.py to look for its files."""
    if os.path.isdir(name) or name in sys.modules:
        return
    for place in sys.path:
        stem = os.path.join(os.path.realpath(place), *name.split("."))
        for full in (os.path.join(stem, "__init__.py"), stem + ".py"):
            if os.path.isfile(full) and full.startswith(root + os.sep):
                sys.modules[name] = types.ModuleType(name)
                sys.modules[name].__file__ = full
                return


def counted(request: dict[str, Any]) -> list[str]:
    """The files that belong to the total, executed or not."""
    root = os.path.realpath(os.getcwd())
    cov = open_coverage(request)
    for name in [*(cov.get_option("run:source") or []), *(cov.get_option("run:source_pkgs") or [])]:
        stand_in(root, name)
    cov.start()
    for path in request["executed"]:
        full = os.path.join(root, path)
        # coverage.py itself decides, by its own rules, whether a file is measured
        exec(compile("pass", full, "exec"), {"__name__": module_name(full)})
    cov.stop()
    found = {relevant(root, path) for path in cov.get_data().measured_files()}
    return sorted(path for path in found if path)


def key_of(cov: Any, root: str, path: str) -> str:
    """A file as coverage data name it."""
    full = os.path.join(root, path)
    return os.path.relpath(full) if cov.get_option("run:relative_files") else full


def filled(request: dict[str, Any], cov: Any) -> Any:
    """The coverage with the request's lines or arcs put in."""
    root = os.path.realpath(os.getcwd())
    data = cov.get_data()
    keys = {path: key_of(cov, root, path) for path in request["executed"]}
    if request["branch"]:
        data.add_arcs(
            {keys[p]: [tuple(a) for a in arcs] for p, arcs in request["executed"].items()}
        )
    else:
        data.add_lines({keys[p]: lines for p, lines in request["executed"].items()})
    data.touch_files(list(keys.values()))
    return data


def analyse(request: dict[str, Any]) -> dict[str, Any]:
    """Statements, missing lines and branches of files, as coverage.py's JSON report has them."""
    if not request["executed"]:
        return {}
    cov = open_coverage(request, branch=request["branch"])
    filled(request, cov)
    found = analysed(cov)
    return reported(cov) if found is None else found


def analysed(cov: Any) -> dict[str, Any] | None:
    """What the JSON report would say, from what it makes it of: one analysis a file.

    The report analyses each file again for each of its functions and classes. None where this
    coverage.py has no such interface; which files are reported is its own decision, too.
    """
    try:
        from coverage.report_core import get_analysis_to_report
    except ImportError:
        return None
    root = os.path.realpath(os.getcwd())
    found: dict[str, Any] = {}
    cov.get_data().set_query_contexts(cov.get_option("report:contexts"))
    try:
        for reporter, analysis in get_analysis_to_report(cov, None):
            path = reporter.relative_filename()
            if callable(analysis.has_arcs):
                return None  # before coverage.py 7.5, which says more through its report alone
            branches = analysis.missing_branch_arcs() if analysis.has_arcs else {}
            found[relevant(root, path) or path] = {
                "executed": sorted(analysis.executed),
                "missing": sorted(analysis.missing),
                "excluded": sorted(analysis.excluded),
                "missing_branches": [[a, b] for a in sorted(branches) for b in sorted(branches[a])],
                "branches": analysis.numbers.n_branches,
            }
    except (AttributeError, TypeError):
        return None
    except coverage.exceptions.NoDataError:
        return {}
    return found


def reported(cov: Any) -> dict[str, Any]:
    """The JSON report itself."""
    import tempfile

    with tempfile.TemporaryDirectory() as scratch:
        out = os.path.join(scratch, "report.json")
        try:
            cov.json_report(outfile=out, include=None)
        except coverage.exceptions.NoDataError:
            return {}
        with open(out, encoding="utf-8") as file:
            report = json.load(file)
    root = os.path.realpath(os.getcwd())
    return {
        relevant(root, path) or path: {
            "executed": entry["executed_lines"],
            "missing": entry["missing_lines"],
            "excluded": entry["excluded_lines"],
            "missing_branches": entry.get("missing_branches", []),
            "branches": entry["summary"].get("num_branches", 0),
        }
        for path, entry in report["files"].items()
    }


def outside(path: str, top: str) -> str:
    """A file of this tree as a file of the user's own."""
    for root in (os.getcwd(), os.path.realpath(os.getcwd())):
        if path.startswith(root + os.sep):
            return top + path[len(root) :]
    return path


def export(request: dict[str, Any]) -> dict[str, Any]:
    """A report of the whole total, in any format that coverage.py writes."""
    cov = open_coverage(request, branch=request["branch"])
    data = filled(request, cov)
    where, form = request["output"], request["format"]
    if form == "data":
        with open(where, "wb"):
            pass
        os.unlink(where)
        kept = coverage.CoverageData(basename=where)
        # where others look for the files, not where the tests ran
        there = {f: outside(f, request["top"]) for f in data.measured_files()}
        if data.has_arcs():
            kept.add_arcs({name: data.arcs(f) or [] for f, name in there.items()})
        else:
            kept.add_lines({name: data.lines(f) or [] for f, name in there.items()})
        kept.touch_files(list(there.values()))  # also those that no test imports
        kept.write()
    elif form == "html":
        cov.html_report(directory=where)
    elif form == "text":
        with open(where, "w", encoding="utf-8") as file:
            cov.report(file=file, show_missing=True)
    else:
        getattr(cov, f"{form}_report")(outfile=where)
    return {}


def main() -> None:
    """Answer one request."""
    request = json.load(sys.stdin)
    answer_to, sys.stdout = sys.stdout, io.StringIO()  # reports print; the answer goes alone
    questions: dict[str, Any] = {
        "environment": environment,
        "survey": survey,
        "counted": counted,
        "analyse": analyse,
        "export": export,
    }
    answer = questions[request["ask"]](request)
    json.dump(answer, answer_to)
    answer_to.flush()  # at exit only what sys.stdout names is flushed for certain


if __name__ == "__main__":
    main()
