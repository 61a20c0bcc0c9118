"""`unetzoo border-map`: look at the weight map of a mask."""

from pathlib import Path
from typing import Annotated

import typer

import unetzoo

_FORMATS = ("PNG", "JPEG", "BMP", "GIF", "WEBP", "TIFF")  # for others, such as PostScript, Pillow runs other programs


def border_map(
    mask: Annotated[Path, typer.Argument(help="Picture in which 0 is background and each other value a cell")],
    out: Annotated[Path, typer.Argument(help="Picture to write, white where the weight is highest")],
    sigma: Annotated[float, typer.Option(help="Distance in pixels over which the weight falls")] = 5.0,
) -> None:
    """Draw the border weight map of a mask.

    A mask of two values is split into its connected parts.
    """
    import numpy as np
    from PIL import Image, UnidentifiedImageError
    from scipy.ndimage import label

    from unetzoo_boundary.border import border_weights

    try:
        with Image.open(mask, formats=_FORMATS) as opened:
            cells = np.array(opened.convert("I"))
    except (OSError, UnidentifiedImageError) as error:
        raise unetzoo.OptionError(f"cannot read {str(mask)!r}: {error}") from error
    parts = label(cells > 0)[0] if len(np.unique(cells)) <= 2 else cells
    weights = border_weights(parts, w0=255.0, sigma=sigma)
    try:
        Image.fromarray(weights.round().astype(np.uint8)).save(out)
    except (OSError, ValueError) as error:
        raise unetzoo.OptionError(f"cannot write {str(out)!r}: {error}") from error
    typer.echo(f"{out}: {parts.max()} cells, highest weight {weights.max() / 255:.2f} of that of cells which touch")
