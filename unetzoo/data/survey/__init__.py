"""What a data set holds: one look at all of its files, what is wrong with it, and its statistics."""
