"""Names that packages had before they were put into `gateline`: they work on, and say what to write instead."""

import warnings


def warn(name: str) -> None:
    """Warn anyone who imports a package by its former name, which is `name`."""
    warnings.warn(f"{name} is now gateline.{name}: change the import; this name will go", FutureWarning, stacklevel=3)
