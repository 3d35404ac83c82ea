"""The places in which a draft is run again differ in what it might have recorded."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import pytest

from copydesk.agent.sandboxed.copydesk_tools.elsewhere import PLACES


def test_on_every_day_of_the_year_summer_time_holds_in_one_of_the_places() -> None:
    try:
        zones = [ZoneInfo(place.variables["TZ"]) for place in PLACES]
    except ZoneInfoNotFoundError:
        pytest.skip("this system has no time zones")
    for day in range(366):
        moment = datetime(2024, 1, 1, 12, tzinfo=UTC) + timedelta(days=day)
        summers = [moment.astimezone(zone).dst() != timedelta(0) for zone in zones]
        assert any(summers), moment
        assert len({moment.astimezone(zone).utcoffset() for zone in zones}) == len(zones)
