"""`fit` beside a plain loop on ten small data sets that its defaults were not chosen on."""
