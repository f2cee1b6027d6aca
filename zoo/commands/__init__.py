"""Groups of commands of the line `zoo`, each in a module or package of its own."""
