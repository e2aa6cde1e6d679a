"""A decision in the forms that people and CI systems read. Pure, and light to import."""
