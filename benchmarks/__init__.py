"""The bench: methods x datasets -> tables, with the published numbers beside ours."""
