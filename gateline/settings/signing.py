"""Whose signature a release needs."""

from __future__ import annotations

from gateline.settings.project import Text
from gateline.settings.section import Section


class Signing(Section):
    """Who may release. The private key is never a setting: `GATELINE_SIGNING_KEY` names or holds it."""

    keys: tuple[Text, ...] = ()
    """Files of the public keys (PEM) that `deploy` and `canary` accept; empty: signing is off."""
