"""A page about the networks of a folder: what is in it, its tables, pictures and look."""
