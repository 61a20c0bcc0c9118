"""A hook of MkDocs: `recipes.html`, the page that `unetzoo recipes --html` writes, of unetzoo's own recipes."""

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

from unetzoo.garden.cards import cards
from unetzoo.garden.page import garden
from unetzoo.registry.builtin import unetzoo_recipes


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the page, so that others can link to it."""
    names = [spec.name for spec in unetzoo_recipes()]
    files.append(File.generated(config, "recipes.html", content=garden(cards(names))))
    return files
