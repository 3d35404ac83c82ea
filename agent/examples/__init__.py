"""Examples in stories: calls of what is new or has changed, run in the sandbox.

In go a story and its span; out come calls with what they gave, twice the same. Before a story
leaves the desk they are run again, and one that gives something else turns red.
"""

from copydesk.agent.examples.find_examples import ExampleSearch
from copydesk.agent.examples.tell_examples import tell_examples
from copydesk.agent.examples.verify_examples import verify_examples

__all__ = ["ExampleSearch", "tell_examples", "verify_examples"]
