"""Statistics and data handling that several checks share."""
