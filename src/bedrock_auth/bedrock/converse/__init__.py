"""Converse: parameters in, content blocks, an answer out."""
