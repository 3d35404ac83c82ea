"""How the author writes: learnt from posts, kept with the evidence, followed by stories."""

from copydesk.agent.stories.voice.facts import VOICE, own_words, voice_facts, voice_of
from copydesk.agent.stories.voice.keep import author_posts, learn_voice, load_voice
from copydesk.agent.stories.voice.manner import PLAIN_MANNER, Manner, manner_of
from copydesk.agent.stories.voice.posts import Post
from copydesk.agent.stories.voice.records import MEANINGS, Voice, values_of
from copydesk.agent.stories.voice.voice_file import from_toml, to_toml

__all__ = [
    "MEANINGS",
    "PLAIN_MANNER",
    "VOICE",
    "Manner",
    "Post",
    "Voice",
    "author_posts",
    "from_toml",
    "learn_voice",
    "load_voice",
    "manner_of",
    "own_words",
    "to_toml",
    "values_of",
    "voice_facts",
    "voice_of",
]
