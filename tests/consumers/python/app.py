"""A program that has installed the wheel: sends the event that it is named."""

import sys

import libposthog
from libposthog import Client

assert "site-packages" in libposthog.__file__, libposthog.__file__
with Client.from_env() as client:
    assert client.capture(sys.argv[1], "consumer", {"plan": "pro"})
    assert client.flush()
