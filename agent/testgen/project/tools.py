"""The folder of code that is not run as copydesk but inside the sandbox, by the user's Python."""

from __future__ import annotations

from pathlib import Path

TOOLS = Path(__file__).parent.parent / "inside"
"""What a SandboxRunner has to be given as `tools` to search for inputs and to verify drafts."""
