"""Reading what is new from Discord and GitHub, over the network, when the user asks for it
or has set a schedule.

Nothing but GET is sent, and GitHub's GraphQL query, which GitHub takes as a POST.
"""

from copydesk.agent.community.pull.pull_places import (
    DISCORD,
    GITHUB,
    Host,
    Pulled,
    PullOptions,
    pull,
    short_pauses,
)

__all__ = ["DISCORD", "GITHUB", "Host", "PullOptions", "Pulled", "pull", "short_pauses"]
