"""The sections of the page that shows the results, a module each."""
