"""The prediction path: Open Inference Protocol for what is deployed, and the log of what was answered."""
