"""Another wall clock, to see whether a result hangs on the time of day.

Meant for a process that ends right after: nothing is put back.
"""

from __future__ import annotations

import datetime
import sys
import time
from typing import Any

SHIFTS = (98_765_432.1, -23_456_789.7)
"""Seconds to other days on which a result has to be the same: about +3.1 and -0.7 years."""


def shift(seconds: float) -> None:
    """Make time and datetime tell another time, in every module that is loaded."""
    swaps: list[tuple[Any, Any]] = [
        (getattr(time, name), _later(getattr(time, name), seconds))
        for name in ("time", "monotonic", "perf_counter")
    ]
    swaps.append((time.time_ns, lambda: int(time.time() * 1e9)))
    real_time = time.time
    original = [time.localtime, time.gmtime, time.ctime]
    swaps += [(function, _with_moment(function, real_time, seconds)) for function in original]
    swaps += _dates(seconds, real_time)
    for module in list(sys.modules.values()):
        names = getattr(module, "__dict__", None)
        if not isinstance(names, dict) or module.__name__ in (__name__, "_datetime"):
            continue
        for name, value in list(names.items()):
            for old, new in swaps:
                if value is old:
                    names[name] = new


def _later(function: Any, seconds: float) -> Any:
    return lambda: function() + seconds


def _with_moment(function: Any, now: Any, seconds: float) -> Any:
    return lambda moment=None: function(now() + seconds if moment is None else moment)


def _dates(seconds: float, now: Any) -> list[tuple[Any, Any]]:
    """Stand-ins for datetime and date that real instances count as instances of.

    Their bases are typed Any (hence the ignores): they are what the module holds at run time.
    """
    real_datetime: Any = datetime.datetime
    real_date: Any = datetime.date

    class LikeDatetime(type):
        def __instancecheck__(cls, instance: object) -> bool:
            return isinstance(instance, real_datetime)

    class LikeDate(type):
        def __instancecheck__(cls, instance: object) -> bool:
            return isinstance(instance, real_date)

    class Datetime(real_datetime, metaclass=LikeDatetime):  # type: ignore[misc]
        @classmethod
        def now(cls, tz: Any = None) -> Any:
            return real_datetime.fromtimestamp(now() + seconds, tz)

        @classmethod
        def today(cls) -> Any:
            return cls.now()

        @classmethod
        def utcnow(cls) -> Any:
            return cls.now(datetime.timezone.utc).replace(tzinfo=None)

        def __new__(cls, *arguments: Any, **keywords: Any) -> Any:
            return real_datetime(*arguments, **keywords)

    class Date(real_date, metaclass=LikeDate):  # type: ignore[misc]
        @classmethod
        def today(cls) -> Any:
            return real_date.fromtimestamp(now() + seconds)

        def __new__(cls, *arguments: Any, **keywords: Any) -> Any:
            return real_date(*arguments, **keywords)

    return [(real_datetime, Datetime), (real_date, Date)]
