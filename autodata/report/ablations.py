"""How a candidate without each of its edits is shown."""

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from autodata.report.views import plain, rate, signed, tokens, unusable
from autodata.types import Json


def ablations_view(report: Json) -> RenderableType:
    """Draw `ablate RUN CANDIDATE`: the whole, and a line for each edit that was taken out."""
    whole = report["rate"]
    shown = rate(whole["mean"], whole["low"], whole["high"])
    head = (
        f"{report['candidate']} whole: pass rate {shown}  ({report['episodes']} {report['split']} "
        f"episodes, as many without each edit)  {tokens(report)}  ${report['cost_usd']:.2f}"
    )
    table = Table(box=None, header_style="bold", pad_edge=False)
    for name in ("edit", "gain by it [95 %]", "without it [95 %]", "and without"):
        table.add_column(name, no_wrap=True)
    table.add_column("prompts", justify="right", no_wrap=True)
    table.add_column("change", overflow="fold")
    for edit in report["edits"]:
        gain, without = edit["gain"], edit["without"]
        table.add_row(
            edit["edit"],
            _gain(gain) if gain else "cannot be left out",
            rate(without["mean"], without["low"], without["high"]) if without else "-",
            ", ".join(edit["also"]),
            f"{edit['prompt_chars']:+d}",
            Text(plain(edit["change"])),
        )
    note = "each interval stands alone; of many edits some will look better or worse by luck"
    left = [Text(unusable(report["unusable"]))] if report["unusable"] else []
    return Group(Text(head), table, *left, Text(note, style="dim"))


def _gain(gain: Json) -> str:
    return f"{signed(gain['mean'])} [{signed(gain['low'])}, {signed(gain['high'])}]"
