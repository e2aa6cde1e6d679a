"""Blobs, files handed in, attestations."""
