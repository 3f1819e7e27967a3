"""The commands: each is a module, or a package, of its name."""
