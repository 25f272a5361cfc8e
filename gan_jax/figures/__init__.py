"""Pictures: what is looked at. Each is an eval."""
