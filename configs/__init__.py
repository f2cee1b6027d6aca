"""The YAML configs that come with the zoo: base, data, methods, profiles. Read by :mod:`zoo.config`."""
