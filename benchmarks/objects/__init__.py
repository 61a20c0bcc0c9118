"""Codings of objects beside StarDist and Cellpose, trained for equally many seconds."""
