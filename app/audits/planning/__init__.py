"""What an attempt needs from database and store, by area; runs in the worker."""
