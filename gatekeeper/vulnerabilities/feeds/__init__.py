"""Feeds: fetched from their sources, recognised by their content, read record by record."""
