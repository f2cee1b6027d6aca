"""The commands of `zoo`, one module each, and what they share."""
