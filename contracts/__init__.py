"""The former name of `gateline.contracts`, for what a copy made before the renaming imports; it will go."""
