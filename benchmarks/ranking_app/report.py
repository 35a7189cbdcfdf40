"""From what was measured to Markdown."""

from typing import Any

from benchmarks.ranking_app.tiers import GOALS

Measured = dict[str, Any]


def goals(measured: Measured) -> list[dict[str, Any]]:
    """Each goal of the page, what was measured, and whether it is met."""
    alone, team = measured["alone"]["painted_ms"], measured["team"]["annotators"]
    held, errors = measured["delivered"], team["errors"]
    limits = [
        ("vote to next painted, p50, ms", GOALS["painted_p50"], alone["p50"]),
        ("vote to next painted, p95, ms", GOALS["painted_p95"], alone["p95"]),
        ("server, POST /api/vote, p95, ms", GOALS["server_p95"], team["ms"]["vote"]["p95"]),
        ("server, GET /api/next, p95, ms", GOALS["server_p95"], team["ms"]["next"]["p95"]),
        ("errors", 0, errors),
        ("votes not in Argilla exactly once", 0, held["missing"] + held["unexpected"]),
    ]
    return [{"what": what, "at_most": limit, "measured": value, "met": value <= limit} for what, limit, value in limits]


def ratios(measured: Measured) -> Measured:
    """Argilla's times over ours, and our fast annotator's votes over those on Argilla's page."""
    ours, plain = measured["team"]["annotators"]["ms"]["vote"], measured["plain"]["ms"]["submit"]
    found: Measured = {f"submit_over_vote_{q}": plain[q] / ours[q] for q in ("p50", "p95")}
    for one in measured["fast"]:
        other = next(
            o for o in measured["fast"] if o["reading_seconds"] == one["reading_seconds"] and o["page"] == "argilla"
        )
        if one["page"] == "ours":
            name = f"votes_a_minute_at_{one['reading_seconds']:g}_s"
            found[name] = one["votes_a_minute"] / other["votes_a_minute"]
    return found


def markdown(measured: Measured) -> str:
    """All of it, for people."""
    parts = [_machine(measured["machine"]), _painted(measured), _server(measured), _delivered(measured)]
    parts += [_fast(measured)] if measured["fast"] else []
    return "\n\n".join([*parts, _goals(measured)])


def _machine(machine: Measured) -> str:
    load = ", ".join(f"{one:.1f}" for one in (machine["load_before"], machine["load_after"]))
    return (
        f"Revision {machine['revision']}, tier {machine['tier']}; {machine['cores']} cores, load {load} before and after; "
        f"{machine['browser']}"
    )


def _painted(measured: Measured) -> str:
    rows = [
        "| vote to next comparison, ms | votes | p50 | p95 | p99 | max |",
        "| --- | ---: | ---: | ---: | ---: | ---: |",
    ]
    for name, said in (("alone", "alone"), ("team", "beside the annotators")):
        part = measured[name]
        for key, what in (
            ("painted_ms", "fully painted"),
            ("first_painted_ms", "first painted"),
            ("event_timing_ms", "Event Timing"),
        ):
            rows.append(f"| {said}, {what} | {_cells(part[key])} |")
    return "\n".join(rows)


def _server(measured: Measured) -> str:
    rows = ["| requests, ms | count | p50 | p95 | p99 | max |", "| --- | ---: | ---: | ---: | ---: | ---: |"]
    ours, inside, plain = measured["team"]["annotators"]["ms"], measured["in_app"], measured["plain"]["ms"]
    rows += [f"| `{what}`, at the annotators | {_cells(ours[name])} |" for name, what in NAMES.items() if name in ours]
    rows += [f"| `{what}`, in the app | {_cells(times)} |" for what, times in inside.items()]
    rows += [f"| `POST /records/ID/responses`, plain Argilla | {_cells(plain[name])} |" for name in plain]
    return "\n".join(rows)


NAMES = {"vote": "POST /api/vote", "next": "GET /api/next"}


def _delivered(measured: Measured) -> str:
    team, plain, held = measured["team"]["annotators"], measured["plain"], measured["delivered"]
    ratio = measured["ratios"]
    return (
        f"{team['votes']} votes by annotators in {team['seconds']:.0f} s ({team['votes_a_second']:.1f} a second), "
        f"{team['errors']} errors, {team['late']} late; the app used {measured['app_cores_used']:.2f} cores. Plain Argilla: "
        f"{plain['votes']} votes, {plain['errors']} errors, {plain['late']} late. Of {held['votes']} votes in all Argilla "
        f"lacks {held['missing']} and has {held['unexpected']} others; the last was there {held['seconds']:.1f} s after the "
        f"last vote. A plain submission takes {ratio['submit_over_vote_p50']:.1f} times our vote at p50, "
        f"{ratio['submit_over_vote_p95']:.1f} at p95."
    )


def _fast(measured: Measured) -> str:
    rows = [
        "| fast annotator | reading, s | votes | votes a minute | to next painted p50, ms | p95, ms |",
        "| --- | ---: | ---: | ---: | ---: | ---: |",
    ]
    for one in measured["fast"]:
        next_ = one["next_painted_ms"]
        rows.append(
            f"| {one['page']} | {one['reading_seconds']:g} | {one['votes']} | {one['votes_a_minute']:.1f} | {next_['p50']:.0f} "
            f"| {next_['p95']:.0f} |"
        )
    said = [f"{name}: {ratio:.2f}" for name, ratio in measured["ratios"].items() if name.startswith("votes")]
    return "\n".join([*rows, "", "Ours over Argilla's: " + ", ".join(said)])


def _goals(measured: Measured) -> str:
    rows = ["| goal | at most | measured | met |", "| --- | ---: | ---: | --- |"]
    rows += [
        f"| {g['what']} | {g['at_most']:g} | {g['measured']:g} | {'yes' if g['met'] else 'no'} |"
        for g in measured["goals"]
    ]
    return "\n".join(rows)


def _cells(found: dict[str, float]) -> str:
    return " | ".join(
        [f"{found['count']:.0f}", *(f"{found[q]:.1f}" if q in found else "-" for q in ("p50", "p95", "p99", "max"))]
    )
