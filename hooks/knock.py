"""What native hooks of copydesk 0.1.0 start: they name this file by its path. See notify.py."""

from __future__ import annotations

import os
import sys

if not __package__:  # run as a file by an interpreter without site-packages
    _HERE = os.path.dirname(os.path.abspath(__file__))
    sys.path.append(os.path.dirname(os.path.dirname(_HERE)))

from copydesk.hooks.notify import main

if __name__ == "__main__":
    sys.exit(main())
