"""The PostHog client for Python on a native core.

>>> from libposthog import Client
>>> with Client("phc_...", host="https://eu.i.posthog.com") as client:
...     client.capture("order placed", "user_42", {"plan": "pro", "amount": 4999})
True
"""

from ._version import __version__
from .client import Client
from .errors import OptionError, PostHogError
from .flags import Flags
from .options import Options

__all__ = ["Client", "Flags", "OptionError", "Options", "PostHogError", "__version__"]
