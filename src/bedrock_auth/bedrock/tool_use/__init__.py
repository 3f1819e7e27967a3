"""Tools: a function's schema, inputs that fit it, and model and tools in turns over a history."""
