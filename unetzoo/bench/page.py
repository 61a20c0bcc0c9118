"""A folder of results as one page, as CSV and as Markdown."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from unetzoo._utils.atomic import write_text
from unetzoo._utils.pages.render import render, trusted
from unetzoo._utils.texts import count_of
from unetzoo.bench.charts import graph_objects, pruning, scatter
from unetzoo.bench.store import Result, load_all
from unetzoo.bench.summary import Row, summarize
from unetzoo.bench.tables import TEXTS, as_csv, as_markdown, cells, columns_of
from unetzoo.errors import DataError

if TYPE_CHECKING:
    from plotly.graph_objects import Figure


@dataclass(frozen=True)
class _Chart:
    """A figure as arguments of Plotly's script."""

    title: str
    data: Any
    layout: Any


def write_report(folder: Path, page: Path, *, title: str = "Leaderboard") -> list[Path]:
    """Write a page, and beside it the table as .csv and .md.

    Args:
        folder: of results.
        page: an .html file.
        title: of the page.

    Returns:
        The files.

    Raises:
        DataError: there are no results.
        WriteError: a file cannot be written.
        MissingExtraError: Plotly is not installed.
    """
    graph_objects()
    from plotly.offline import get_plotlyjs

    results = load_all(folder)
    if not results:
        raise DataError(f"there are no results in {folder}; `unetzoo bench grid` writes them")
    rows = summarize(results)
    columns = columns_of(rows)
    text = render(
        "unetzoo.bench",
        title=title,
        subtitle=_subtitle(results, rows),
        charts=list(_charts(rows)),
        rows=rows,
        columns=columns,
        texts=TEXTS,
        table=[[texts[name] for name in columns] for texts in map(cells, rows)],
        plotly=trusted(get_plotlyjs()),
    )
    written = {page: text, page.with_suffix(".csv"): as_csv(rows), page.with_suffix(".md"): as_markdown(rows)}
    for path, content in written.items():
        write_text(path, content)
    return list(written)


def _subtitle(results: Sequence[Result], rows: Sequence[Row]) -> str:
    done = [result for result in results if "error" not in result]
    if not done:
        return f"{count_of(len(results), 'run')}, all of which failed."
    machines = sorted(
        {f"{one['machine']['processor']}, {count_of(one['machine']['threads'], 'thread')}" for one in done}
    )
    versions = ", ".join(f"{name} {version}" for name, version in done[0]["machine"]["versions"].items())
    sizes = sorted({row.size for row in rows})
    return (
        f"{count_of(len(results), 'run')}, {len(results) - len(done)} of which failed; measured until "
        f"{max(one['date'] for one in done)} on {'; '.join(machines)}; {versions}. Accuracy is measured on held-out "
        f"images, with 95 % intervals over seeds; speed is that of the optimized network for images of "
        f"{', '.join(map(str, sizes))} px."
    )


def _charts(rows: Sequence[Row]) -> Iterator[_Chart]:
    for data, score in dict.fromkeys((row.data, row.score_name) for row in rows if row.score is not None):
        some = [row for row in rows if (row.data, row.score_name) == (data, score)]
        yield _chart(f"{data}: {score} and latency", scatter(some, "latency"))
        yield _chart(f"{data}: {score} and parameters", scatter(some, "parameters"))
        pruned = pruning(some)
        if pruned is not None:
            yield _chart(f"{data}: U-Net++ pruned to its levels", pruned)


def _chart(title: str, figure: "Figure") -> _Chart:
    parts = json.loads(figure.to_json())
    return _Chart(title, _as_script(parts["data"]), _as_script(parts["layout"]))


def _as_script(value: object) -> Any:  # noqa: ANN401 - as `trusted`
    """JSON that can stand in a script element, whatever the names in it."""
    return trusted(json.dumps(value).replace("<", "\\u003c"))
