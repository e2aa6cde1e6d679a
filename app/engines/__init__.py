"""One adapter a heavy library. Imported in child processes only, never by the service itself."""
