"""Texts of all kinds that prompts are made of, and the tokens that SmolLM2 needs for each: one of
the smallest vocabularies in use (49,152), so that few models need more."""

from __future__ import annotations

SAMPLES = {
    "prose": ("The editor reads what the daemon has found, and decides what is kept. " * 20, 321),
    "code": (
        "def price(amount, rate=2, *, tax_rate: float = 0.19) -> float:\n"
        "    if not isinstance(amount, Decimal):\n        raise TypeError(f'{amount!r}')\n"
        "    return round(amount * rate * (1 + tax_rate), 2)\n\n\n" * 12,
        767,
    ),
    "camel case": ("HttpRequestHandlerFactory.createDefaultXMLParser(parseURLs=True)\n" * 20, 340),
    "diff": (
        "diff --git a/agent/model/pull.py b/agent/model/pull.py\nindex 1f2e3d4..a9b8c7d 100644\n"
        "--- a/agent/model/pull.py\n+++ b/agent/model/pull.py\n@@ -14,7 +14,9 @@ def pull(name):\n"
        "-    return fetch(host, '/api/pull', {'model': name})\n"
        "+    reply = fetch(host, '/api/pull', {'model': name}, seconds=5.0)\n" * 8,
        1056,
    ),
    "statistics of a commit": (
        " agent/desk/schema.py        | 14 +++++++++-----\n"
        " tests/agent/test_desk_17.py | 203 +++++++++++++++++++++++++++++++\n"
        " 2 files changed, 212 insertions(+), 5 deletions(-)\n" * 12,
        756,
    ),
    "lines without a test": ("uncovered: 12-19, 33, 41-47, 108, 230-231, 1024\n" * 25, 1025),
    "coverage": ("shop/price.py 187 stmts 23 missed 12 branches 87.70 % (+1.32 %)\n" * 20, 700),
    "hashes": ("9f86d081884c7d659a2feaa0c55ad015a3bf4f1b 2026-11-30T23:59:01+01:00\n" * 15, 945),
    "numbers": ("3.14159, 2718281828, 0.000001, 1e-9, 65536 " * 25, 1075),
    "json": ('{"id": 17, "kind": "test", "lines": [1, 2, 3], "state": "ready"},\n' * 20, 640),
    "indented json": ('{\n    "a": [\n        1,\n        null\n    ]\n}\n' * 20, 320),
    "traceback": (
        'Traceback (most recent call last):\n  File "shop/price.py", line 41, in price\n'
        "    return amount / rate\nZeroDivisionError: division by zero\n" * 12,
        468,
    ),
    "German": ("Die Größe der Änderung wird überprüft, bevor sie übernommen wird.\n" * 15, 480),
    "Russian": ("Добавить проверку ошибок в сборщик и обновить описание.\n" * 12, 504),
    "Japanese": ("統計資料を更新しました。失敗する試験を書き直す。\n" * 12, 516),
    "Arabic": ("اختبار الشيفرة قبل حفظها في المستودع\n" * 12, 432),
    "emoji": ("✓ done 🎉 → next ≤ 3 … “quoted” — 🚀\n" * 15, 315),
    "regular expression": (r"^(?:\d+\.\d*|[^\w\s]{2,9}|\\x[0-9a-f]{2})$" + "\n" * 20, 39),
    "table": ("| outcome | calls | kept |\n| --- | ---: | ---: |\n| `ok` | 17 | 0 |\n" * 15, 465),
}
"""A text of each kind, and its tokens."""
