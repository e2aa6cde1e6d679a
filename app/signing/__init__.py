"""What Assay signs, so that it can be believed elsewhere: decisions, and checkpoints of the audit log."""
