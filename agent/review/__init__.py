"""The editor's decisions: accept, edit, reject, undo. The only room that writes a work tree."""
