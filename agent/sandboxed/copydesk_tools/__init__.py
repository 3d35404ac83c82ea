"""The code that runs in the user's interpreter (Python 3.9 or later), inside the sandbox.

Imported there as `copydesk_tools`, by our own code as `copydesk.agent.sandboxed.copydesk_tools`; so
it imports its own parts relatively, and nothing else but the standard library and pytest.
"""
