"""The paper's figures of what codes are good for (1 and 12 to 15), and what each layer does, from any checkpoint."""
