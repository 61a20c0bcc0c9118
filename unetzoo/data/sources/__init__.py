"""Where images and masks come from: folders, tables, data sets."""
