"""Runs the user's tests in the user's Python, with the probe, and asks coverage.py.

In go a tree, an interpreter and the tests to run; out come the project's configuration, the
environment the tests depend on, what each test executed, and what coverage.py counts as a line.
"""

from copydesk.agent.coverage.runner.coverage_py import (
    DEFAULT_OMIT,
    Analysis,
    Engine,
    Environment,
)
from copydesk.agent.coverage.runner.fragments import merge_two, merged
from copydesk.agent.coverage.runner.probe_cache import cached_probe
from copydesk.agent.coverage.runner.project_config import (
    addopts,
    patterns_of_test_files,
    pytest_cov_options,
    pytest_setting,
)
from copydesk.agent.coverage.runner.project_info import ProjectInfo, SeveralProjects, project_info
from copydesk.agent.coverage.runner.recording import Recording, TestRun, united
from copydesk.agent.coverage.runner.redirect import Redirect
from copydesk.agent.coverage.runner.run_tests import (
    NOTHING_COLLECTED,
    RunOptions,
    parse_report,
    pytest_options,
    read_report,
    record_tests,
)

__all__ = [
    "DEFAULT_OMIT",
    "NOTHING_COLLECTED",
    "Analysis",
    "Engine",
    "Environment",
    "ProjectInfo",
    "Recording",
    "Redirect",
    "RunOptions",
    "SeveralProjects",
    "TestRun",
    "addopts",
    "cached_probe",
    "merge_two",
    "merged",
    "parse_report",
    "patterns_of_test_files",
    "project_info",
    "pytest_cov_options",
    "pytest_options",
    "pytest_setting",
    "read_report",
    "record_tests",
    "united",
]
