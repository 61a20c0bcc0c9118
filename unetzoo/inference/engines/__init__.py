"""Networks made fast, small or portable for inference."""
