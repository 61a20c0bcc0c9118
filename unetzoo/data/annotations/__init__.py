"""Annotations of other tools: outlines, run lengths and masks of single objects, drawn when a mask is asked for.

A format is one file that reads it and one line in `table`. Coordinates of all formats count pixels from the top left
corner of the image: the center of its first pixel is (0.5, 0.5).
"""
