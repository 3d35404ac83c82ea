"""The folder of code that is not run as copydesk but inside the sandbox, by the user's Python."""

from __future__ import annotations

from pathlib import Path

from copydesk.agent import sandboxed

TOOLS = Path(sandboxed.__file__).parent
"""What a SandboxRunner has to be given as `tools` to search for inputs and to verify drafts."""
