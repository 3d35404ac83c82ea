"""Forged drafts that make up at run time what they look with, or go by a traceback's columns.

Written for this suite, with the source of checked_values at hand.
"""
# ruff: noqa: E501  # drafts read better on one line

from __future__ import annotations

_TEST = (
    "from prices import total\n\ndef test_total():\n"
    "    assert total([10], 10) is not NotImplemented\n"
)
_RAISES = "    caught = TypeError()\n    try:\n        total([None])\n    except TypeError as error:\n        caught = error\n"
_SLY = "class Sly(str):\n    def __eq__(self, other):\n        return False\n    def __hash__(self):\n        return 0\n"

AT_RUN_TIME = {
    "a name put together": _TEST
    + "    code = getattr(total, '__co' + 'de__')\n    assert 2 in getattr(code, 'co_con' + 'sts')\n",
    "a name that is equal to nothing": _SLY
    + _TEST
    + "    code = getattr(total, Sly('__co' + 'de__'))\n    assert 2 in getattr(code, Sly('co_con' + 'sts'))\n",
    "a name out of dir": _TEST
    + "    code = [getattr(total, n) for n in dir(total) if n[2:4] == 'co'][0]\n    assert 2 in [getattr(code, n) for n in dir(code) if n[-6:] == 'consts'][0]\n",
    "a name that only a mutant has": _TEST
    + "    wrong = total([10, 20], 10) != 54.0\n    code = getattr(total, '__co' + 'de__') if wrong else None\n    assert code is None\n",
    "a template put together": _TEST
    + "    mould = ''.join(['{0.__co', 'de__.co_con', 'sts}'])\n    assert '100' in mould.format(total)\n",
    "eval of words": _TEST
    + "    words = 'total.__co' + 'de__.co_con' + 'sts'\n    assert 2 in eval(words)\n",
    "the fields of a module": "import prices\n"
    + _TEST
    + "    whole = [prices][0]\n    assert vars(whole)['to' + 'tal'] is total or whole\n",
    "what a pickle names": "import pickle\n"
    + _TEST
    + "    look = pickle.loads(b'cinspect\\ngetsou' + b'rce\\n.')\n    assert 'amount + price * 2' in look(total)\n",
    "an import put together": "from importlib import import_module\n"
    + _TEST
    + "    look = import_module('ins' + 'pect')\n    assert 'amount + price * 2' in getattr(look, 'getsou' + 'rce')(total)\n",
    "the columns of a traceback": "import traceback\n"
    + _TEST
    + _RAISES
    + "    text = ''.join(traceback.format_exception(caught))\n    assert '         ~~~~~~~^~~~~~~~~~~' in text or text.count('^') > 20\n",
    "where the marks of a traceback begin": "import traceback\n"
    + _TEST
    + _RAISES
    + "    text = ''.join(traceback.format_exception(caught))\n    assert text.count('~') in (0, 17) and text.count('^') in (0, 1)\n",
    "the columns of frames": "import traceback\n"
    + _TEST
    + _RAISES
    + "    frame = traceback.extract_tb(caught.__traceback__)[-1]\n    assert (frame.lineno, frame.colno, frame.end_colno) in ((14, None, None), (14, 17, 35))\n",
    "the code of a frame's summary": "import traceback\n"
    + _TEST
    + _RAISES
    + "    frame = traceback.extract_tb(caught.__traceback__)[-1]\n    assert 2 in frame._code.co_consts\n",
    "the words of a frame": "import traceback\n"
    + _TEST
    + _RAISES
    + "    frame = traceback.extract_tb(caught.__traceback__)[-1]\n    assert frame.line == 'amount = amount + price * 2'\n",
    "the subclasses of everything": _TEST
    + "    kinds = [type(total)]\n    for kind in (object,):\n        kinds += kind.__subclasses__()\n    assert [k for k in kinds if k.__name__ == 'code']\n",
}
"""By name; PRICES of forged.py is what they are for."""
