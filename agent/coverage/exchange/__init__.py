"""Maps that travel with git.

In go a measured commit and a remote; out come the files of a git tree that say what its tests
executed, and, from such a tree of somebody else's, the traces that a measure here may start from.
"""

from copydesk.agent.coverage.exchange.about import accepts, differing_parts
from copydesk.agent.coverage.exchange.foreign import load_foreign_map, usable_maps
from copydesk.agent.coverage.exchange.recordings import decode_recording, encode_recording
from copydesk.agent.coverage.exchange.remote_maps import Place, Pushed, place
from copydesk.agent.coverage.exchange.shards import decode, encode
from copydesk.agent.coverage.exchange.travel import Arrived, fetch_maps, prune_maps, push_maps

__all__ = [
    "Arrived",
    "Place",
    "Pushed",
    "accepts",
    "decode",
    "decode_recording",
    "differing_parts",
    "encode",
    "encode_recording",
    "fetch_maps",
    "load_foreign_map",
    "place",
    "prune_maps",
    "push_maps",
    "usable_maps",
]
