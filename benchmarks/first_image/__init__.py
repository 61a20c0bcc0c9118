"""What a new process needs until it has the logits of its first image."""
