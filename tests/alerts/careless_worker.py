"""A worker that notes a message as delivered before it sends it: the control of the kill harness."""

import time

from app import worker
from app.alerts import deliverer, ledger
from app.config import Settings

if __name__ == "__main__":
    claim = ledger.claim

    def claim_and_settle(db, seconds, public_url):
        claimed = claim(db, seconds, public_url)
        if claimed:
            ledger.settle(db, claimed, {"status": 200})
            time.sleep(0.2)  # wide enough for a kill to fall between the two
        return claimed

    deliverer.ledger.claim = claim_and_settle
    worker.serve(Settings())
