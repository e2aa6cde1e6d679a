"""Outgoing HTTP to addresses that users name."""

from app.outgoing.answers import Answer, Failed
from app.outgoing.client import Client
from app.outgoing.urls import Refused

__all__ = ["Answer", "Client", "Failed", "Refused"]
