"""Check that the configuration of a network rebuilds it, so that it can be loaded once saved."""

from torch import Tensor

from unetzoo.errors import OptionError, UnetzooError
from unetzoo.nn.segmenter import Segmenter
from unetzoo.nn.unwrap import bare_names
from unetzoo.weights.build import build_empty
from unetzoo.weights.safe_file import DTYPES, Stored


def bare_state(model: Segmenter) -> dict[str, Tensor]:
    """Its parameters and buffers by name, without the prefixes of compiled and parallel parts."""
    names = bare_names(model)
    return {names[name]: tensor for name, tensor in model.state_dict(keep_vars=True).items()}


def check_rebuilt(model: Segmenter) -> None:
    """Raise OptionError unless the configuration of a network rebuilds it."""
    stored = {
        name: Stored("", tuple(tensor.shape), DTYPES.get(tensor.dtype, ""))
        for name, tensor in bare_state(model).items()
    }
    try:
        build_empty(model.config, stored)
    except UnetzooError as error:
        raise OptionError(
            f"the network was changed after it was created, so that its configuration does not rebuild it: {error}"
        ) from error
