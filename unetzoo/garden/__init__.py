"""The garden: the recipes of unetzoo and its plugins on one page, to choose one by."""
