"""The commands of `zoo`, one module each, and shared helpers."""
