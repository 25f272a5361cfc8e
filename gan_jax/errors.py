"""The one exception that is addressed to the person at the keyboard."""


class InputError(Exception):
  """Something that was given (a config, a folder, a file) cannot be used; the text is a sentence.

  The sentence says what was wrong, where, and what would be right. Every command prints it as one
  line, without a traceback, and exits with status 1.
  """


class Diverged(Exception):
  """A loss, a term of one or a gradient is no longer a finite number; the text says which."""


class Interrupted(Exception):
  """A signal asked a run to stop, and it did, after saving. `status` is the exit status to use."""

  def __init__(self, message: str, status: int):
    super().__init__(message)
    self.status = status
