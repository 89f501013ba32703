"""autodata: a data scientist that is itself optimized."""

__version__ = "0.1.0"
