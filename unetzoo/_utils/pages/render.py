"""Fill a template, with the style and the scripts that all pages share."""

from importlib.resources import files
from typing import Any


def render(package: str, **values: Any) -> str:  # noqa: ANN401 - whatever the template takes
    """The text of `page.html` of a package, filled with values; texts are escaped, what `trusted` made is not.

    The template also gets `style`; `sorting`, which makes tables of the class `sortable` sort by their headers; and
    `zooming`, which shows the picture of a button of the class `zoom` in the dialog `large`.
    """
    from jinja2 import Environment, StrictUndefined

    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True)
    template = environment.from_string(_read(package, "page.html"))
    shared = {
        "style": trusted(_read("unetzoo._utils.pages", "style.css")),
        "sorting": trusted(_read("unetzoo._utils.pages", "sort.js")),
        "zooming": trusted(_read("unetzoo._utils.pages", "zoom.js")),
    }
    return template.render(**shared, **values)


def trusted(text: str) -> Any:  # noqa: ANN401 - markupsafe comes with Jinja2
    """Text of our own or of a library, which is not escaped."""
    from markupsafe import Markup

    return Markup(text)  # noqa: S704 - no text of users comes here


def _read(package: str, name: str) -> str:
    return files(package).joinpath(name).read_text(encoding="utf-8")
