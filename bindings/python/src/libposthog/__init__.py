"""The PostHog client for Python on a native core.

>>> from libposthog import Client
>>> with Client("phc_...", host="https://eu.i.posthog.com") as client:
...     client.capture("order placed", "user_42", {"plan": "pro", "amount": 4999})
True
"""

from ._version import __version__
from .client import Client
from .definitions import DefinitionsCache
from .errors import OptionError, PostHogError
from .flags import Flags
from .options import Options
from .reports import Report
from .transport import Request, Response

__all__ = [
    "Client",
    "DefinitionsCache",
    "Flags",
    "OptionError",
    "Options",
    "PostHogError",
    "Report",
    "Request",
    "Response",
    "__version__",
]
