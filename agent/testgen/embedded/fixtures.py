"""What a drafted test puts in place before it acts: files, and what else the function reads."""

from __future__ import annotations

from copydesk.agent.sandboxed.copydesk_tools.search.values.sample_files import FILES
from copydesk.agent.testgen.embedded.case import Case
from copydesk.agent.testgen.embedded.render_values import quoted


def fixtures_of(case: Case) -> list[str]:
    """The fixtures that a test of a case asks for."""
    names = [*case.outcome.fixtures]
    files = any(name.startswith("file:") for name, _ in case.patches)
    if files or any("tmp_path" in text for text in _texts(case)):
        names.insert(0, "tmp_path")
    if any("monkeypatch" in line for line in _patch_lines(case)):
        names.append("monkeypatch")
    return names


def arrangement(case: Case) -> list[str]:
    """The first lines of a test: its files are written, its surroundings put in place."""
    lines = []
    for file, text in FILES.items():
        path = f'tmp_path / "{file}"'
        if any(path in used for used in _texts(case)):
            lines.append(f"    ({path}).write_text({quoted(text)})")
    return [*lines, *_patch_lines(case)]


def _texts(case: Case) -> tuple[str, ...]:
    return (*case.texts, *case.outcome.expected_texts)


def _patch_lines(case: Case) -> list[str]:
    return [_patch_line(name, text) for name, text in case.patches]


def _patch_line(name: str, text: str) -> str:
    """The line that puts something around a call."""
    if name.startswith("file:"):
        return f"    (tmp_path / {quoted(name[5:])}).write_text({text})"
    if name == "cwd":
        return f"    monkeypatch.chdir({text})"
    if name == "seed":
        return f"    random.seed({text})"
    if name.startswith("env:"):
        variable = quoted(name[4:])
        if text == "None":
            return f"    monkeypatch.delenv({variable}, raising=False)"
        return f"    monkeypatch.setenv({variable}, {text})"
    value = f"lambda: {text}" if name == "time.time" else text
    return f"    monkeypatch.setattr({quoted(name)}, {value})"
