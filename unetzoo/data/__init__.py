"""Images and masks of users: find them, read them, check them, measure them."""
