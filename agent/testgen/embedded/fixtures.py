"""What a drafted test puts in place before it acts: files, and what else the function reads."""

from __future__ import annotations

from copydesk.agent.sandboxed.copydesk_tools.search.values.sample_files import FILES
from copydesk.agent.testgen.embedded.render_values import quoted
from copydesk.agent.testgen.embedded.test_names import Case


def arranged(case: Case) -> tuple[list[str], list[str]]:
    """The fixtures that a test of a case asks for, and its first lines."""
    used = [*case.texts, case.expected]
    lines = [
        f'    (tmp_path / "{file}").write_text({quoted(text)})'
        for file, text in FILES.items()
        if any(f'tmp_path / "{file}"' in one for one in used)
    ]
    put = [_put(name, text) for name, text in case.patches]
    asked = {
        "tmp_path": any("tmp_path" in text for text in used),
        "capsys": case.kind == "prints",
        "monkeypatch": any("monkeypatch" in line for line in put),
    }
    return [name for name, wanted in asked.items() if wanted], [*lines, *put]


def _put(name: str, text: str) -> str:
    """The line that puts something around a call."""
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
