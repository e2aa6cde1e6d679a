"""A model as it is served: in a process of its own, tensors in, answers out. INFRA-6 runs it like the gateway."""
