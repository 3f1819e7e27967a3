"""Knowledge bases: which documents count, what is found, and the answers that the service makes of it."""
