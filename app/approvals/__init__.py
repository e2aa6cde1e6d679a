"""People who approve that a version goes to an environment, where the policy asks for that."""
