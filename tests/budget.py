"""A pytest plugin: what each test costs in processor time, the ten that cost most, and a limit.

Processor time is what the process of the worker and the processes that the test waited for have
used, so it depends little on what else the machine does: by up to a half where two cores are two
threads of one. What is made once for many tests (a fixture of a module or of all) is counted by
itself, not with the test that happens to come first; what a cached function keeps is not. Nor are
processes that others started, a cluster's trials, say.

The ten are shown at the end of every run, which fails if a test of the default run is above 10 s,
or one marked `slow` above 60 s. Seconds are those of the machine that UNIT was measured on; a
slower one is given as much longer.
"""

import contextlib
import pathlib
import resource
import time
from collections.abc import Iterator
from typing import Any

import pytest

from tests import commands

LIMIT, SLOW_LIMIT = 10.0, 60.0
SHOWN = 10
UNIT = 0.5  # seconds that `unit` took where the limits were set


class Cost:
  """What was used since it was begun, less what is counted elsewhere."""

  def __init__(self):
    self.began, self.elsewhere = used(), 0.0

  def so_far(self) -> float:
    """Seconds of processor time."""
    return used() - self.began - self.elsewhere


_running: list[Cost] = []  # the test, and what is made for many while it runs
_made: dict[str, float] = {}  # what was made since the last test ended -> seconds


def used() -> float:
  """Seconds of processor time of this process, and of those that it waited for."""
  own, others = (resource.getrusage(w) for w in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
  return own.ru_utime + own.ru_stime + others.ru_utime + others.ru_stime + commands.spent


def peak() -> int:
  """The most memory that this process has held so far, in MiB (Linux)."""
  return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


def resident() -> int:
  """What this process holds now, in MiB (Linux; elsewhere the most that it has held)."""
  try:
    pages = int(pathlib.Path('/proc/self/statm').read_text().split()[1])
  except OSError:
    return peak()
  return pages * resource.getpagesize() // 2**20


@contextlib.contextmanager
def apart(name: str) -> Iterator[None]:
  """What is done within is for many tests, and is counted by itself."""
  _running.append(Cost())
  try:
    yield
  finally:
    cost = _running.pop()
    for outer in _running[-1:]:
      outer.elsewhere += cost.so_far() + cost.elsewhere
    _made[f'{name} (shared)'] = cost.so_far()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
  _running.append(Cost())
  try:
    return (yield)
  finally:
    _running.pop()


@pytest.hookimpl(wrapper=True)
def pytest_fixture_setup(fixturedef: Any, request: Any) -> Iterator[None]:
  """What is made for several tests is nobody's own cost."""
  if fixturedef.scope == 'function':
    return (yield)
  with apart(f'{fixturedef.baseid}::{fixturedef.argname}'):
    return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: Any) -> Iterator[pytest.TestReport]:
  report = yield
  if call.when == 'teardown':
    slow = item.get_closest_marker('slow') is not None
    report.cost = [_running[-1].so_far(), slow, peak(), dict(_made)]  # type: ignore[attr-defined]
    _made.clear()
  return report


class Ledger:
  """What the process that pytest was started in is told by the workers."""

  def __init__(self):
    self.costs: dict[str, tuple[float, bool]] = {}  # test or fixture -> (seconds, is slow)
    self.peaks: dict[str, int] = {}
    self.over: list[str] = []
    self.total = 0.0  # seconds; what two workers made each for itself counts twice

  def pytest_runtest_logreport(self, report: Any) -> None:
    if not hasattr(report, 'cost'):
      return
    seconds, slow, most, made = report.cost
    worker = getattr(report, 'worker_id', 'this process')
    self.peaks[worker] = max(most, self.peaks.get(worker, 0))
    self.costs[report.nodeid] = seconds, slow
    self.total += seconds + sum(made.values())
    for name, shared in made.items():
      before = self.costs.get(name, (0.0, slow))
      self.costs[name] = max(shared, before[0]), slow and before[1]

  @pytest.hookimpl(tryfirst=True)
  def pytest_sessionfinish(self, session: pytest.Session) -> None:
    limit = {False: LIMIT, True: SLOW_LIMIT}
    over = {name: cost for name, cost in self.costs.items() if cost[0] > limit[cost[1]]}
    slower = max(1.0, unit() / UNIT) if over else 1.0
    self.over = [
      f'{name} took {seconds:.1f} s of processor time, and may take {limit[slow] * slower:.0f} s'
      for name, (seconds, slow) in over.items() if seconds > limit[slow] * slower
    ]  # fmt: skip
    if self.over and session.exitstatus == pytest.ExitCode.OK:
      session.exitstatus = pytest.ExitCode.TESTS_FAILED

  def pytest_terminal_summary(self, terminalreporter: Any) -> None:
    if not self.costs:
      return
    terminalreporter.section('processor time')
    most = sorted(self.costs.items(), key=lambda item: -item[1][0])[:SHOWN]
    for name, (seconds, _) in most:
      terminalreporter.write_line(f'{seconds:6.1f} s  {name}')
    held = ', '.join(f'{worker} {most:,} MiB' for worker, most in sorted(self.peaks.items()))
    terminalreporter.write_line(f'{self.total:6.0f} s  in all; at most {held}')
    for line in self.over:
      terminalreporter.write_line(f'over budget: {line}', red=True)


def pytest_configure(config: pytest.Config) -> None:
  if not hasattr(config, 'workerinput'):
    config.pluginmanager.register(Ledger(), 'gan_jax_budget')


def unit() -> float:
  """Seconds of processor time for a fixed piece of what tests do: to trace and to compile."""
  import jax
  import jax.numpy as jnp

  salt = time.time_ns() % 2**20  # so that no cache knows the program

  def program(x: Any) -> Any:
    for i in range(8):
      x = jnp.tanh(x @ x + i + salt) - jnp.where(x > i, x[::-1], jnp.cumsum(x, axis=i % 2))
    return jnp.sum(x)

  began = time.process_time()
  jax.jit(jax.grad(program)).lower(jax.ShapeDtypeStruct((8, 8), jnp.float32)).compile()
  return time.process_time() - began
