"""Private helpers that every room may use: optional extras, atomic files, locks, workers, memory, texts, pages."""
