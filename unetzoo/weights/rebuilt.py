"""Whether a network's configuration rebuilds it: only then can what is saved of it be loaded."""

from torch import Tensor

from unetzoo.errors import OptionError, UnetzooError
from unetzoo.nn.segmenter import Segmenter
from unetzoo.nn.unwrap import bare_names
from unetzoo.weights.build import build_empty
from unetzoo.weights.safe_file import DTYPES, Stored


def bare_state(model: Segmenter) -> dict[str, Tensor]:
    """Its parameters and buffers, by the names that they have where no part of it is compiled or parallel."""
    names = bare_names(model)
    return {names[name]: tensor for name, tensor in model.state_dict(keep_vars=True).items()}


def check_rebuilt(model: Segmenter) -> None:
    """Raise OptionError unless a network's configuration rebuilds it."""
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
