"""The error that a user can mend."""


class UserError(ValueError):
    """Input that cannot be used. The message is for a person: it names the place, the value and what was expected."""
