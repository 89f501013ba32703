"""Reports and rows as HTML for a notebook; all text is escaped, as models wrote some of it."""

from html import escape
from io import StringIO

from rich.console import Console, RenderableType

from autodata.report.views import plain
from autodata.store.render import AllRows, cell

_PRE = '<pre style="white-space: pre; overflow-x: auto; line-height: 1.3">{code}</pre>'
WIDTH = 120


def drawn(view: RenderableType) -> str:
    """Return a view as the screen shows it, with its colours."""
    console = Console(record=True, file=StringIO(), width=WIDTH, force_jupyter=False)
    console.print(view)
    return console.export_html(inline_styles=True, code_format=_PRE)


def table(result: AllRows, note: str = "") -> str:
    """Return rows as a table, which says when there are more rows than these."""
    head = "".join(f"<th>{_text(name)}</th>" for name in result.columns)
    rows = "".join(
        "<tr>" + "".join(f"<td>{_text(cell(value))}</td>" for value in row) + "</tr>"
        for row in result.rows
    )
    notes = [f"{len(result.rows)} rows{', and there are more' if result.cut else ''}", note]
    below = "".join(f"<p>{_text(line)}</p>" for line in notes if line)
    return f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>{below}"


def _text(text: str) -> str:
    return escape(plain(text))


def text(view: RenderableType) -> str:
    """Return a view as text, without colours."""
    console = Console(file=StringIO(), width=WIDTH, force_jupyter=False, color_system=None)
    with console.capture() as captured:
        console.print(view)
    return "\n".join(line.rstrip() for line in captured.get().splitlines())


def line(text: str) -> str:
    """Return one line."""
    return f"<p>{_text(text)}</p>"
