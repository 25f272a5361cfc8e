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
  """The message holds all of the facts, whatever stands between them; as words: no 3 in 13."""
  word = lambda fact: re.sub(r'^(?=\w)|(?<=\w)$', r'\\b', re.escape(fact))
  missing = [fact for fact in map(str, facts) if not re.search(word(fact), message)]
  assert not missing, f'{missing} not in: {message}'
