"""This project beside its peers: what is measured, the results, and the page made of them."""
