"""Contracts: what every domain, proposer, provider and evaluator must keep, ours and a user's.

Call one from a test; it raises `ContractBroken`, which names each rule that is broken and why.
"""

from autodata.testing.contract import ContractBroken
from autodata.testing.domains import DomainSample, check_domain
from autodata.testing.evaluators import check_evaluator
from autodata.testing.programs import check_program
from autodata.testing.proposers import check_proposer
from autodata.testing.providers import check_provider

__all__ = [
    "ContractBroken",
    "DomainSample",
    "check_domain",
    "check_evaluator",
    "check_program",
    "check_proposer",
    "check_provider",
]
