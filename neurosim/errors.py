"""The one family of errors that a user's input can raise.

Every message names the place, the value, the limit and the next move; the command line prints it and exits 2.
"""


class NeurosimError(ValueError):
    """A user's input cannot be used as it is; the message says where, why and what to do next."""
