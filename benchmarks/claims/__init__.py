"""What papers claim about these networks, and how the peers do on the same data: measured, not quoted."""
