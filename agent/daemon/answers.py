"""Whether there is a model that answers, asked by a daemon that stays small."""

from __future__ import annotations

from copydesk.agent import config
from copydesk.agent.desk.database import Database
from copydesk.agent.errors import CopydeskError
from copydesk.agent.git.repository import Repository


def model_answers(repo: Repository, db: Database) -> bool:
    """Whether there is a model to ask now; loads nothing large and takes 2 s at most."""
    # a daemon at rest stays small: http.client is only loaded when something waits
    from copydesk.agent.model.client import available
    from copydesk.agent.model.settings import model_settings

    try:
        return available(model_settings(config.load(repo), db))[0]
    except CopydeskError:
        return False  # settings that cannot be read
