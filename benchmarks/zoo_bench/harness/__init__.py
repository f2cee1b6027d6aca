"""The harness: which cells are missing, who runs them where, and how far they are."""
