"""Proves incremental measures on real history.

In go a range of commits; each is measured and also run in full under coverage.py, and out comes
whether both say the same, line for line, test for test.
"""

from copydesk.agent.coverage.replay import replay
from copydesk.agent.coverage.replay.replay import Comparison

__all__ = [
    "Comparison",
    "replay",
]
