"""Decoders: each turns a pyramid of features into maps, from which heads compute logits.

All of them raise OptionError for an option outside its range or widths that do not fit the pyramid, and ShapeError for
a pyramid with too few levels. Plugins can use the functions below: the stages of a decoder for a pyramid, and their
widths.
"""

from unetzoo.decoders.widths import Stage, plan_stages, stage_reductions, stage_widths, step_factors

__all__ = ["Stage", "plan_stages", "stage_reductions", "stage_widths", "step_factors"]
