"""What a forecast or a replay came to, as plain lines."""

from autodata.types import Json


def estimated(forecast: Json) -> str:
    """Render the forecast of a search."""
    lines = [
        f"a search takes {forecast['fewest_episodes']:,} to {forecast['most_episodes']:,} episodes "
        f"(pilot of {forecast['pilot_episodes']}, kept as {forecast['run_id']})",
        f"{forecast['fewest_null']:,} to {forecast['most_null']:,} of them are null episodes "
        f"(pilot of {forecast['pilot_null']}): `strong` in both seats, which shows what luck gives",
    ]
    if forecast["most_looks"]:
        lines.append(
            f"in {forecast['fewest_looks']:,} to {forecast['most_looks']:,} looks at merged edits"
        )
    if forecast["pilot_edits"]:
        lines.append(
            f"and {forecast['fewest_edits']:,} to {forecast['most_edits']:,} edits of texts "
            f"(pilot of {forecast['pilot_edits']})"
        )
    for name, key, form in (
        ("prompt tokens", "prompt_tokens", ",.0f"),
        ("completion tokens", "completion_tokens", ",.0f"),
        ("dollars", "usd", ",.2f"),
        ("hours", "hours", ",.2f"),
    ):
        amount = {end: format(forecast[key][end], form) for end in ("mean", "low", "high")}
        lines.append(f"{name:<18}{amount['mean']:>14}   [{amount['low']} to {amount['high']}]")
    per = "random knob values do" if forecast["knobs_moved"] else "this harness does"
    lines.append(f"[{forecast['level']:.0%} intervals, if candidates cost per episode what {per}]")
    return "\n".join(lines)


def replayed(replay: Json) -> str:
    """Render the result of a replay."""
    facts = replay["facts"]
    decisions = ", ".join(
        f"{number} {name}" for name, number in sorted(replay["decisions"].items())
    )
    proposed = "proposals " if facts.get("look") else "iterations"
    rows = ", ".join(f"{table} {number:,}" for table, number in sorted(replay["rows"].items()))
    return "\n".join(
        (
            f"calls       {facts['call']:,}, answered from the journal; no model was asked",
            f"episodes    {facts['episode']:,} of {facts['candidate']:,} candidates",
            f"{proposed}  {facts.get('iteration', 0):,}: {decisions}",
            f"decision    {replay['best']} after {facts.get('certification', 0)} certifications",
            f"table rows  {rows}",
            "equal, all of it, up to times",
        )
    )
