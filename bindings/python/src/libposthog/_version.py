"""The version of this package, and of the library that it takes: they are the same."""

__version__ = "0.1.0"
