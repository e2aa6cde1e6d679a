"""The register that model-risk people live in: issues, validations, retirement, the inventory of models."""
