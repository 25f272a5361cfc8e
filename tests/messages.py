"""What an error says: its facts, the key, the number, the file, and not how it is worded."""

import contextlib
import re
from collections.abc import Iterator

import pytest

from gan_jax.errors import InputError


@contextlib.contextmanager
def refused(*facts: object, error: type[Exception] = InputError) -> Iterator[pytest.ExceptionInfo]:
  """What is done within raises `error`, whose message holds all of the facts, as str has them."""
  with pytest.raises(error) as caught:
    yield caught
  says(str(caught.value), *facts)


def says(message: str, *facts: object) -> None:
  """The message holds all of the facts, whatever stands between them; as words: no 3 in 13, 1.3."""
  missing = [fact for fact in map(str, facts) if not re.search(_word(fact), message)]
  assert not missing, f'{missing} not in: {message}'


def _word(fact: str) -> str:
  before = r'(?<!\w)' if re.match(r'\w', fact) else ''
  after = r'(?!\w)' if re.search(r'\w$', fact) else ''
  if fact[:1].isdigit():  # and no decimals of another number
    before += r'(?<!\d\.)(?<!\de-)'
  if fact[-1:].isdigit():
    after += r'(?!\.\d)'
  return before + re.escape(fact) + after
