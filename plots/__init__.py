"""The figures, by subject, and their common look."""
