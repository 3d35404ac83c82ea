"""Readers of exports, each a pure function from a file to messages.

`read_export` recognises the format by what the file holds and yields `Message`s, and a
`BadRecord` for each record that could not be read; the rest of the file is read all the same.
"""

from copydesk.agent.community.importers.recognise import Export, recognise

__all__ = ["Export", "recognise"]
