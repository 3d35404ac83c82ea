"""The full-screen desk: what waits, what each draft is, and a key for each decision.

In go a repository and its desk; what is decided goes through `agent/review`. This is the one room
that imports Textual.
"""

from copydesk.agent.screen.run import run_screen

__all__ = ["run_screen"]
