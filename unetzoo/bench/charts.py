"""The charts of a grid, drawn by Plotly."""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal

from unetzoo._utils.extras import need
from unetzoo._utils.texts import label
from unetzoo.bench.summary import Row, pareto

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

# Okabe and Ito's colors, which color-blind people distinguish; shapes repeat later than colors do
_COLORS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#7f7f7f")
_SYMBOLS = ("circle", "square", "diamond", "triangle-up", "x", "star", "cross", "hexagon")
_FEWEST_TICKS = 4  # the outer two may lie beyond the visible range
_DIGITS = ((1.0, 2.0, 5.0), (1.0, 1.5, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0), tuple(n / 10 for n in range(10, 100)))
_LAYOUT = {
    "template": "plotly_white",
    "margin": {"l": 60, "r": 20, "t": 30, "b": 50},
    "legend": {"orientation": "h", "y": -0.22},
    "font": {"family": "system-ui, sans-serif", "size": 14},
    "height": 460,
}
_LATENCY = "latency of one image, ms"
_UNITS = {"latency": (1e3, _LATENCY), "parameters": (1e-6, "parameters, millions")}
_POINT = "%{y:.4f}, %{customdata[2]:.1f} ms, %{customdata[3]} seeds<extra></extra>"
_LEVEL = "%{y:.4f}, %{x:.1f} ms, %{customdata:.2f} M parameters<extra></extra>"


def scatter(rows: Sequence[Row], quantity: Literal["latency", "parameters"]) -> "Figure":
    """The score of networks on one data set against latency (with the Pareto front) or parameters.

    Args:
        rows: of one data set, all with objects or none.
        quantity: `"latency"` (ms for one image) or `"parameters"` (millions).
    """
    factor, unit = _UNITS[quantity]
    measured = [row for row in rows if row.score is not None and getattr(row, quantity) is not None]
    figure = graph_objects().Figure()
    for index, decoder in enumerate(dict.fromkeys(row.decoder for row in rows)):
        some = [row for row in measured if row.decoder == decoder]
        if some:
            figure.add_scatter(x=[getattr(row, quantity) * factor for row in some], **_points(some, decoder, index))
    if quantity == "latency":
        _add_front(figure, pareto(measured))
    ticks = round_numbers([getattr(row, quantity) * factor for row in measured])
    axis = {"title": unit, "type": "log", "tickvals": ticks, "ticktext": [f"{tick:g}" for tick in ticks]}
    return figure.update_layout(**_LAYOUT, xaxis=axis, yaxis_title=rows[0].score_name if rows else "")


def pruning(rows: Sequence[Row]) -> "Figure | None":
    """The score of the networks nested in each U-Net++ against their latency, level by level; None without any."""
    figure = graph_objects().Figure()
    for index, row in enumerate(row for row in rows if row.pruned):
        figure.add_scatter(
            x=[level["latency"] * 1e3 for level in row.pruned],
            y=[level[row.score_name] for level in row.pruned],
            text=[f"L{level['level']:.0f}" for level in row.pruned],
            customdata=[level["parameters"] / 1e6 for level in row.pruned],
            mode="lines+markers+text",
            textposition="top center",
            name=label(row.title),
            marker={"color": _COLORS[index % len(_COLORS)], "size": 9},
            hovertemplate=f"%{{text}}: {row.score_name} {_LEVEL}",
        )
    title = rows[0].score_name if rows else ""
    return figure.update_layout(**_LAYOUT, xaxis_title=_LATENCY, yaxis_title=title) if figure.data else None


def round_numbers(values: Sequence[float]) -> list[float]:
    """Round numbers from just below the smallest value, which is > 0, to just above the largest; at least three.

    They are 1, 2 and 5 times powers of ten, or finer steps where too few of those lie among the values.
    """
    if not values:
        return []
    powers = range(math.floor(math.log10(min(values))) - 1, math.ceil(math.log10(max(values))) + 1)
    for digits in _DIGITS:
        numbers = [digit * 10.0**power for power in powers for digit in digits]
        below = max(number for number in numbers if number <= min(values))
        above = min(number for number in numbers if number >= max(values))
        ticks = [number for number in numbers if below <= number <= above]
        if len(ticks) >= _FEWEST_TICKS:
            break
    return ticks


def graph_objects() -> Any:  # noqa: ANN401 - an extra
    """Plotly's figures.

    Raises:
        MissingExtraError: Plotly is not installed.
    """
    need("bench", "the page", "plotly")
    import plotly.graph_objects as objects

    return objects


def _points(rows: Sequence[Row], decoder: str, index: int) -> dict[str, Any]:
    """The points of a decoder, with error bars that end at 0 and 1."""
    return {
        "y": [row.score for row in rows],
        "error_y": {
            "array": [min(row.score_interval or 0, 1 - (row.score or 0)) for row in rows],
            "arrayminus": [min(row.score_interval or 0, row.score or 0) for row in rows],
            "thickness": 1,
            "width": 3,
        },
        "customdata": [[label(row.encoder), label(row.target), (row.latency or 0) * 1e3, row.seeds] for row in rows],
        "mode": "markers",
        "name": label(decoder),
        "marker": {"size": 11, "color": _COLORS[index % len(_COLORS)], "symbol": _SYMBOLS[index % len(_SYMBOLS)]},
        "hovertemplate": f"{label(decoder)} · %{{customdata[0]}} · %{{customdata[1]}}<br>{rows[0].score_name} {_POINT}",
    }


def _add_front(figure: "Figure", front: Sequence[Row]) -> None:
    figure.add_scatter(
        x=[(row.latency or 0) * 1e3 for row in front],
        y=[row.score for row in front],
        text=[label(row.encoder) for row in front],
        textposition="top left",
        textfont={"size": 11},
        mode="lines+text",
        name="Pareto front",
        line={"color": "#888", "dash": "dot", "shape": "hv"},
        hoverinfo="skip",
    )
