"""Files of networks for other programs: a file a target, in the table of `targets`."""
