"""A test that fails for want of something says what is not there."""

from __future__ import annotations

from copydesk.agent.coverage.measure.not_there import with_reasons
from copydesk.agent.desk.failures import FailedTest

ABSENT = {
    "libs/common": "libs/common is a submodule: it was never checked out here",
    "pkg/secret_keys.py": "pkg/secret_keys.py is not given to the tests: its name is private",
    "data/big.bin": "data/big.bin is a pointer of Git LFS",
}


def reason(error: str, output: str = "") -> str:
    test = FailedTest("t.py::t", "failed", "passed", "", 1, error, output)
    return with_reasons([test], ABSENT)[0].error.removeprefix(error)


def test_what_is_named_and_what_may_be_meant_is_said() -> None:
    assert "private" in reason("ImportError: cannot import name 'secret_keys' from 'pkg'")
    assert "submodule" in reason("ModuleNotFoundError: No module named 'anything'")
    assert "Git LFS" in reason("ValueError: bad magic", "open('data/big.bin')\nE ValueError")
    assert "Git LFS" in reason("FileNotFoundError: /x/big.bin")


def test_another_failure_stays_as_it_is() -> None:
    assert reason("AssertionError: assert 1 == 2") == ""
    assert reason("ValueError: biggest.bin") == ""
