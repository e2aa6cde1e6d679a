"""What a change of policy would mean, before anybody makes it."""
