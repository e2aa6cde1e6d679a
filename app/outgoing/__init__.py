"""Outgoing HTTP to addresses that users name."""

from app.outgoing.client import Answer, Client, Failed
from app.outgoing.urls import Refused

__all__ = ["Answer", "Client", "Failed", "Refused"]
