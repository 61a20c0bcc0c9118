"""Inspection: what a network is made of, measured on one run of it."""
