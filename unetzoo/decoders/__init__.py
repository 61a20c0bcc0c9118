"""Decoders: each turns a pyramid of features into maps that heads make logits of.

Plugins may use the functions that are named here: how many stages a decoder has for a pyramid, and how wide they are.
"""

from unetzoo.decoders.widths import Stage, plan_stages, stage_reductions, stage_widths, step_factors

__all__ = ["Stage", "plan_stages", "stage_reductions", "stage_widths", "step_factors"]
