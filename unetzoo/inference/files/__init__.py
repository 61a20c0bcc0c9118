"""Prediction from file to file: which become which, by whom, and how they are read and written."""
