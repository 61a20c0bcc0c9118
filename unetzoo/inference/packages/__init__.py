"""Run packages of bioimage.io, of whatever library they come from, without code of theirs."""
