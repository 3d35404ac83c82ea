"""Reading what is new from Discord and GitHub, over the network, when the user asks for it.

Nothing but GET is sent, and GitHub's GraphQL query, which GitHub takes as a POST.
"""

from copydesk.agent.community.pull.pull_places import (
    DISCORD,
    GITHUB,
    Pulled,
    PullOptions,
    pull,
)

__all__ = ["DISCORD", "GITHUB", "PullOptions", "Pulled", "pull"]
