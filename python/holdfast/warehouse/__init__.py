"""The warehouse as Python sees it."""
