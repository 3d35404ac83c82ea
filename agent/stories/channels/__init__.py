"""One structured story, one renderer a channel."""
