"""Load TorchScript of strangers, whose operators are those of a network: none that opens files.

TorchScript is a program in a part of Python. Of torch's operators two take the name of a file, `aten::from_file` and
`aten::save`; so none of these names may occur in it, nor an operator of another library, nor a class of C++.
"""

import ast
import io
import warnings
import zipfile
from collections.abc import Callable, Iterator

import torch
from torch import Tensor

from unetzoo.data.formats.limits import free_memory
from unetzoo.errors import WeightsError, describe_error

_REFUSED = {"from_file", "save", "classes"}
_LIBRARIES = {"prim", "aten", "quantized"}  # after `ops.`
_CLASSES = b"torch.classes"


def load_torchscript(content: bytes, name: str) -> Callable[[Tensor], Tensor]:
    """The function of a TorchScript file, once its program is checked.

    Args:
        content: of the file.
        name: of the package, for errors.

    Raises:
        WeightsError: it is damaged, or names an operator that a network does not need.
    """
    try:
        files = _files(content)
        for path, text in files.items():
            _check(path, text)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of TorchScript's end
            module = torch.jit.load(io.BytesIO(_packed(files)), map_location="cpu")  # type: ignore[no-untyped-call]
    except WeightsError as error:
        raise WeightsError(f"the TorchScript of {name} {error}: it is not loaded") from error
    except Exception as error:  # a hostile file may make the readers raise anything
        raise WeightsError(f"the TorchScript of {name} cannot be read: {describe_error(error)}") from error

    def run(images: Tensor) -> Tensor:
        with torch.no_grad():
            output = module(images)
        first: Tensor = output[0] if isinstance(output, tuple | list) else output
        return first

    return run


def _files(content: bytes) -> dict[str, bytes]:
    """The files of the archive; those that would be read differently by another reader are not there."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        names = archive.namelist()
        if len(set(names)) < len(names):
            raise WeightsError("has two files of one name")
        if sum(each.file_size for each in archive.infolist()) > free_memory() // 2:
            raise WeightsError("announces more than the free memory")
        return {name: archive.read(name) for name in names}


def _packed(files: dict[str, bytes]) -> bytes:
    """The archive with the files that were checked, and nothing else."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def _check(path: str, content: bytes) -> None:
    """Raise WeightsError for a program or pickled data that names what networks do not need."""
    if path.endswith(".py"):
        tree = ast.parse(content)
        _check_libraries(tree)
        if strange := _REFUSED.intersection(_words(tree)):
            raise WeightsError(f"names {', '.join(sorted(strange))}, which is no part of a network")
    elif path.endswith("pkl") and _CLASSES in content:
        raise WeightsError("holds an object of C++, which is no part of a network")


def _check_libraries(tree: ast.AST) -> None:
    """Raise WeightsError if `ops`, which holds the operators of all libraries, is used for others."""
    nodes = [node for node in ast.walk(tree) if isinstance(node, ast.Attribute)]
    libraries = {id(node.value): node.attr for node in nodes}
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and node.id == "ops" and libraries.get(id(node)) not in _LIBRARIES:
            raise WeightsError(f"uses operators of {libraries.get(id(node), 'an unnamed library')!r}")


def _words(tree: ast.AST) -> Iterator[str]:
    """The names in a program, and its texts, since `getattr` takes these."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute):
            yield node.attr
        elif isinstance(node, ast.Name):
            yield node.id
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value
        elif isinstance(node, ast.alias):
            yield from node.name.split(".")
