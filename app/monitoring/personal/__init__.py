"""Personal data in logged predictions: forgotten by person, expired by age, shown by a scope of its own."""
