"""The warehouse as Python sees it: the project that fills it, and names in its SQL."""
