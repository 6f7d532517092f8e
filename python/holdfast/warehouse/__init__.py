"""The warehouse as Python sees it: its project, its relations, and names in its SQL."""
