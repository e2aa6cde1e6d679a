"""Tools that tell the ledger by signed webhooks: who may, what their messages mean, what became of each."""
