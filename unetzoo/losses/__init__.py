"""Losses: each turns logits and a target into one number."""
