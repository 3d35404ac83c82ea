"""Files that stand ready in tmp_path for parameters that ask for a path."""

from __future__ import annotations

FILES = {
    "data.txt": "first line\nsecond line\n",
    "data.csv": "name,value\na,1\nb,2\n",
    "data.json": '{"name": "a", "values": [1, 2, 3]}\n',
    "data.env": 'NAME=value\nEMPTY=\n# a comment\nQUOTED="two words"\n',
    "empty.txt": "",
}
