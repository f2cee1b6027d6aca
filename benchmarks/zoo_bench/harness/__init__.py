"""The harness: selects the missing cells, runs them, and reports progress."""
