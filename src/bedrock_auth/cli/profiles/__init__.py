"""Profiles whose keys come from here: the command line in them, the config file, one change of it."""
