"""The bench: methods x datasets as the tables of the paper."""
