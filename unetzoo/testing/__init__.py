"""The contracts as a battery of rules, which unetzoo's own parts pass too; authors of plugins run it on theirs.

In a test, `unetzoo.testing.check_decoder(MyDecoder)`; without any code, `pytest --unetzoo-plugin unetzoo-cells` or
`unetzoo plugins check unetzoo-cells`.
"""

from unetzoo.testing.battery import check_dataset, check_decoder, check_encoder, check_loss, check_plugin

__all__ = ["check_dataset", "check_decoder", "check_encoder", "check_loss", "check_plugin"]
