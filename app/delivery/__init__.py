"""Which version serves where: deployments, roles, rollback."""
