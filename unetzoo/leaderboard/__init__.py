"""Every combination of parts trained alike, measured for speed and accuracy, and shown on one page."""
