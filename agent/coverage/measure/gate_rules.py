"""The rules of the gate as its hook reads them from the desk."""

from __future__ import annotations

from copydesk.agent import config
from copydesk.agent.coverage.measure.projects import ReadyProjects


def gate_rules(
    projects: ReadyProjects, personal: config.Personal, scripts: str
) -> dict[str, object]:
    """The rules, by the names that the hook knows them by.

    Args:
        projects: The commit's projects.
        personal: What the user of this machine has set.
        scripts: The files that count although their names do not end in .py.
    """
    project = projects.first.settings
    floors = {one.settings.diff_fail_under for one in projects.each}
    return {
        "fail_under": project.fail_under,
        "diff_fail_under": project.diff_fail_under,
        "tests_may_fail": config.tests_may_fail(project.tests_may_fail, personal.failing_tests),
        "by_project": int(len(floors) > 1),
        "scripts": scripts,
    }
