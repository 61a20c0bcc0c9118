"""Masks: how they are stored, and what their values mean."""
