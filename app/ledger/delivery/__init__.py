"""How models are delivered: the four metrics of stored models, over HTTP."""
