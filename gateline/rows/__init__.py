"""The one reader of data files: strictly, as the gates judge them, or tolerantly, as `invoke new` takes them in."""
