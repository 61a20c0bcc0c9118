"""Pages that need no network: what the HTML files of this project share."""
