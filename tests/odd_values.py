"""Names of columns, and SQL of their values by the number of the record ``i``, that are as odd as real ones get."""

NAMES = [
    *(
        "id",
        "ID",
        "customer",
        "amount",
        "paid at",
        "select",
        "table",
        "it's",
        'say "hi"',
        "a.b.c",
        "x;--",
        "naïve",
        "日付",
    ),
    *("__anomembed_hash", "__ANOMEMBED_x", "row_number", "value", "line", "record", "records", "n_records", "sequence"),
    *(
        "n_events",
        "rank",
        "reason",
        "raw_score",
        "past: event",
        "value:amount",
        "\t",
        "$1",
        "{name}",
        "%d",
        "-q",
        "é" * 90,
    ),
]
DRAWN = "(hash(i, @seed) % @most)"
EXPRESSIONS = [
    *("i", "-i", "NULL", "1", "'same'", "''", "'  '", "true", f"{DRAWN}::TINYINT", f"{DRAWN}::BIGINT - 3"),
    *(f"{DRAWN} / 7.0", f"{DRAWN} * 1e307", f"{DRAWN} * 1e-321", f"({DRAWN} / 3.0)::FLOAT", f"{DRAWN}::DECIMAL(38, 9)"),
    *(f"{DRAWN}::HUGEINT * 10::HUGEINT ** 30", f"{DRAWN}::UHUGEINT", f"{DRAWN}::BIGNUM", f"{DRAWN}::BIT"),
    *(f"if({DRAWN} = 0, 'inf'::DOUBLE, i)", f"if({DRAWN} = 0, 'nan'::DOUBLE, 2)", f"if({DRAWN} = 0, NULL, i % 5)"),
    *(
        f"'k' || {DRAWN}",
        f"if({DRAWN} = 0, NULL, 'k' || i % 7)",
        f"if({DRAWN} = 0, ' ', 'k' || i % 3)",
        f"chr(({DRAWN} % 90)::INT)",
    ),
    *(f"'user ' || {DRAWN} || ' logged in from 10.0.0.' || i % 9", f"repeat('ab ', {DRAWN}::INT)", "md5(i::VARCHAR)"),
    *(f"DATE '2024-02-28' + {DRAWN}::INT", f"TIMESTAMP '2024-01-01' + to_minutes({DRAWN}::INT * 7)"),
    *(
        f"if({DRAWN} = 0, 'infinity', '2025-01-01')::TIMESTAMP + to_hours(i)",
        f"if({DRAWN} = 0, '-infinity', '2025-01-01')::DATE",
    ),
    *(
        f"if({DRAWN} = 0, '0044-03-15 (BC)'::TIMESTAMP, '2024-05-05'::TIMESTAMP)",
        f"TIMESTAMP '290000-01-01' + to_days({DRAWN}::INT)",
    ),
    *(
        f"if({DRAWN} = 0, TIMESTAMP '9999-12-31 23:59:59', TIMESTAMP '2024-05-05' + to_seconds(i))",
        f"make_timestamp_ns({DRAWN}::BIGINT)",
    ),
    *(
        f"(TIMESTAMPTZ '2024-01-01 00:00+02' + to_minutes({DRAWN}::INT))",
        f"make_timestamp({DRAWN}::BIGINT)::TIMESTAMP_S",
    ),
    *(
        f"(TIME '10:00' + to_minutes({DRAWN}::INT))",
        f"(TIME '10:00' + to_minutes({DRAWN}::INT))::TIMETZ",
        f"to_days({DRAWN}::INT)",
    ),
    *(
        f"[{DRAWN}, i]",
        f"[{DRAWN}::FLOAT, 1e38]::FLOAT[2]",
        "[]::INT[]",
        f"range(({DRAWN} % 4)::BIGINT)",
        "[['a'], ['b', NULL]]",
    ),
    *(
        f"{{'a': {DRAWN}, 'B': {{'c': i}}}}",
        f"MAP {{'k': {DRAWN}}}",
        f"union_value(num := {DRAWN})",
        f"('a' || {DRAWN})::BLOB",
    ),
    *(
        f"json_object('k', {DRAWN}, 'K', 'x')",
        f"('v' || {DRAWN} % 3)::ENUM ('v0', 'v1', 'v2')",
        f"md5({DRAWN}::VARCHAR)::UUID",
    ),
    *(f"{DRAWN}::VARIANT", f"'2024-01-0' || (1 + {DRAWN} % 9)", f"{DRAWN} || ',5'", f"'€ ' || {DRAWN}"),
]
