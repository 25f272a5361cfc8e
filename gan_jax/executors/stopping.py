"""How an executor is asked to stop: by SIGTERM or Ctrl-C, which its runs are told of in turn."""

import contextlib
import signal
import threading
from collections.abc import Callable, Iterator
from typing import Any

PATIENCE = 120.0  # seconds that a run has to save and end when it is asked to


@contextlib.contextmanager
def signals() -> Iterator[list[int]]:
  """A list that SIGTERM and Ctrl-C put their number in, in the main thread."""
  asked: list[int] = []
  if threading.current_thread() is not threading.main_thread():
    yield asked
    return
  note: Callable[[int, Any], None] = lambda number, frame: asked.append(number)
  before = {s: signal.signal(s, note) for s in (signal.SIGTERM, signal.SIGINT)}
  try:
    yield asked
  finally:
    for number, handler in before.items():
      signal.signal(number, handler)
