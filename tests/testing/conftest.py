"""What contracts of providers are held against."""

from tests.models.conftest import server

__all__ = ["server"]
