"""What was served and what turned out to be true: logged predictions, labels, dependencies."""
