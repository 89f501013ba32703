"""Domains: kinds of example. What one of your own is made of can be imported from here."""

from autodata.config.section import Section
from autodata.domains.base import Domain, RoleSettings
from autodata.domains.grading import Graders, Score
from autodata.domains.isolated import Execution, Isolated
from autodata.models.base import Message, Request
from autodata.types import Criterion, Document, Example, Verification

__all__ = [
    "Criterion",
    "Document",
    "Domain",
    "Example",
    "Execution",
    "Graders",
    "Isolated",
    "Message",
    "Request",
    "RoleSettings",
    "Score",
    "Section",
    "Verification",
]
