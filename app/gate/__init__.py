"""May this version go to that environment? Policies, decisions and how they are shown."""
