"""What a recorded run of pytest is told, by the process that starts it."""

from __future__ import annotations

import json
from typing import Any, NamedTuple

VARIABLE = "COPYDESK_PROBE"
"""The variable that names the file with the settings."""


class Settings(NamedTuple):
    """The settings of one run, JSON in a file.

    Attributes:
        root: The tree.
        branch: Record arcs, not only lines.
        concurrency: What of greenlets the project names as its `concurrency`.
        data_file: Where coverage.py may keep its data meanwhile.
        report: Where the report of the run goes.
        report_seconds: After how many seconds the report is written on whatever that costs.
        child_reports: The folder for the reports of the Pythons that tests start.
        child_data: The folder for what coverage.py measures in them; empty where the project has
            it measure none.
        source: What is measured where the project's configuration names no source.
        omit: What is left out then.
        test_files: The test files to collect, if pytest would do so by itself; None collects all.
        conftests: Files to load besides, whose hooks concern all tests.
        skipped_tests: The tests that need not run.
        compiled_modules: The folder for compiled modules; empty where they are not kept.
    """

    root: str
    branch: bool
    concurrency: list[str]
    data_file: str
    report: str
    report_seconds: float
    child_reports: str
    child_data: str
    source: list[str]
    omit: list[str]
    test_files: list[str] | None
    conftests: list[str]
    skipped_tests: list[str]
    compiled_modules: str

    def to_json(self) -> str:
        """The settings as the file holds them."""
        return json.dumps(self._asdict())

    @classmethod
    def read(cls, path: str) -> Settings:
        """The settings of a file."""
        with open(path, encoding="utf-8") as file:
            values: dict[str, Any] = json.load(file)
        return cls(**values)
