"""The built-in methods, one package each; found through the entry-point group ``zoo.plugins`` like anybody's."""
