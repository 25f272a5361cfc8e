"""Work done by many, in order, without ever holding more than a window of it in memory."""

import collections
import concurrent.futures
import multiprocessing
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures.process import BrokenProcessPool
from typing import TypeVar

from gan_jax.errors import InputError

T = TypeVar('T')
R = TypeVar('R')


def threads(work: Callable[[T], R], items: Iterable[T], workers: int) -> Iterator[R]:
  """work(item) for every item, in order, by threads: good where Pillow lets go of the lock."""
  with concurrent.futures.ThreadPoolExecutor(workers) as pool:
    yield from _window(pool, work, items, 4 * workers)


def processes(work: Callable[[T], R], items: Iterable[T], workers: int) -> Iterator[R]:
  """work(item) for every item, in order, by fresh processes; 1 works in this one.

  Items are drawn only as fast as results are taken (Pool.imap would draw all of LSUN, 43 GB).

  Raises:
    InputError: a process died, mostly for want of memory.
  """
  if workers <= 1:
    yield from map(work, items)
    return
  spawn = multiprocessing.get_context('spawn')  # a forked child inherits JAX's threads, and hangs
  with concurrent.futures.ProcessPoolExecutor(workers, mp_context=spawn) as pool:
    try:
      yield from _window(pool, work, items, 4 * workers)
    except BrokenProcessPool:
      raise InputError(
        f'one of the {workers} processes died, mostly for want of memory: run the same again, it '
        f'goes on where it was, with fewer processes='
      ) from None


def _window(
  pool: concurrent.futures.Executor, work: Callable[[T], R], items: Iterable[T], size: int
) -> Iterator[R]:
  pending: collections.deque[concurrent.futures.Future[R]] = collections.deque()
  try:
    for item in items:
      pending.append(pool.submit(work, item))
      if len(pending) >= size:
        yield pending.popleft().result()
    while pending:
      yield pending.popleft().result()
  finally:
    for future in pending:
      future.cancel()
