"""The exceptions that are addressed to the person at the keyboard."""


class Told(Exception):
  """What its text says is all that one need know: a notebook shows it without a traceback."""

  def _render_traceback_(self) -> list[str]:  # IPython asks for it
    return [f'{type(self).__name__}: {self}']


class InputError(Told):
  """Something that was given (a config, a folder, a file) cannot be used; the text is a sentence.

  The sentence says what was wrong, where, and what would be right. Every command prints it as one
  line, without a traceback, and exits with status 1.
  """


class Diverged(Told):
  """A loss, a term of one or a gradient is no longer a finite number; the text says which."""


class Collapsed(Told):
  """The watch found that the samples of a run are dying; the text says by which signs.

  `round` is the one in which it found that.
  """

  def __init__(self, message: str, round_: int = 0):
    super().__init__(message)
    self.round = round_


class Interrupted(Told):
  """A signal asked a run to stop, and it did, after saving. `status` is the exit status to use."""

  def __init__(self, message: str, status: int):
    super().__init__(message)
    self.status = status
