"""Write the mask of an image with the post-processing that needs the whole of it."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from unetzoo.data.formats.grid import Grid
from unetzoo.inference.components import postprocess
from unetzoo.inference.files.looks import Look
from unetzoo.inference.files.partial import PartialResult
from unetzoo.inference.files.writers import write_result
from unetzoo.nn.config import ModelConfig


def write_postprocessed(
    rows: PartialResult, config: ModelConfig, target: Path, made_of: Mapping[str, Any], look: Look, grid: Grid
) -> None:
    """Post-process a copy of finished class ids on the disk, and write it into `target`.

    The rows stay as they are, so that a process that is killed begins this again.
    """
    scratch = target.with_name(f".{target.name}.masks")
    scratch.unlink(missing_ok=True)
    with PartialResult(scratch, made_of, rows.shape, rows.dtype) as result:
        try:
            for top, block in rows.blocks():
                result.write(top, block)
            postprocess(result.in_place(), config)
            write_result(result, target, made_of, look, grid=grid)
        finally:
            result.remove()
