"""The scanner contract, and the judgement of what a scanner brings back."""

from __future__ import annotations

from typing import Protocol

from gateline.contracts.verdict import Outcome, Rule, unknown
from infra.security.finding import Finding, Scan
from infra.security.subject import Subject


class Scanner(Protocol):
    """Looks at one aspect of a subject. Raises ScannerFailed, or anything else, where it cannot."""

    def __call__(self, subject: Subject, /) -> Scan:
        """Return everything that was found."""
        ...


def judge(name: str, scan: Scan, required: bool) -> Rule:
    """Return the rule: one blocking finding fails, a gap or an empty scan is inconclusive, anything else passes."""
    blocking = [finding for finding in scan.findings if finding.blocks]
    if blocking:
        return Rule(
            name=name,
            outcome=Outcome.FAIL,
            required=required,
            observed=float(len(blocking)),
            limit=0.0,
            unit="findings",
            sample=scan.looked_at,
            reason=f"{_plural(len(blocking))} in {scan.looked_at} {scan.unit}, allowed 0; first: {_told(blocking[0])}",
            next_step="mend each finding; the page and results.sarif list them all",
        )
    if scan.gaps:
        return unknown(name, "; ".join(scan.gaps), required=required, sample=scan.looked_at)
    if scan.looked_at == 0:
        return unknown(name, f"there were no {scan.unit} to look at", required=required, sample=0)
    return Rule(
        name=name,
        outcome=Outcome.PASS,
        required=required,
        observed=0.0,
        limit=0.0,
        unit="findings",
        sample=scan.looked_at,
        reason=f"{_nothing(scan)} in {scan.looked_at} {scan.unit}",
    )


def _nothing(scan: Scan) -> str:
    """A note fails nothing, but it is in the table of findings: the two say the same."""
    count = len(scan.findings)
    return f"nothing but {'a note' if count == 1 else f'{count} notes'} found" if count else "nothing found"


def _plural(count: int) -> str:
    return "1 finding" if count == 1 else f"{count} findings"


def _told(finding: Finding) -> str:
    return f"{finding.where}: {finding.message}" if finding.where else finding.message
