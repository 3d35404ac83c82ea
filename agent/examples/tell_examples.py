"""Put examples into a story, once for the commits that it tells."""

from __future__ import annotations

from copydesk.agent.examples.find_examples import ExampleSearch, find_examples
from copydesk.agent.stories.example_facts import is_of_examples
from copydesk.agent.stories.open_story import save_examples
from copydesk.agent.stories.stored_stories import load_story
from copydesk.agent.text import plural


def tell_examples(search: ExampleSearch, draft_id: int) -> None:
    """Run examples of what is new or has changed in a story's span, and show them in it.

    Of a story that the editor touched the text is left as it is, and they are offered beside it;
    one that has its examples is left alone. What fails costs the examples alone.

    Args:
        search: What examples are looked for with.
        draft_id: The story's draft.
    """
    stored = load_story(search.db, draft_id)
    facts = (*stored.facts, *stored.offered)
    if stored.state not in ("open", "edited") or any(map(is_of_examples, facts)):
        return
    last = stored.span.last
    with search.db.failed_items.contained("story", last, "the examples", say=search.say):
        runs = find_examples(search, facts, stored.span)
        if not search.is_wanted():
            return
        if runs.hindrance:
            search.say(f"no examples: {runs.hindrance}")
        elif runs.examples:
            where = "in" if stored.state == "open" else "beside the edited"
            search.say(f"{plural(len(runs.examples), 'example')} {where} story {draft_id}")
        if runs.hindrance or runs.examples:
            save_examples(search.db, draft_id, stored.span, runs)
