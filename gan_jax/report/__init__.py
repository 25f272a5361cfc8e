"""Reports: what runs are and what came of them, as one page that needs nothing beside it."""
