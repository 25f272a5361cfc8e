"""Commands as a person types them, each in a process of its own.

To start Python and to import jax takes seconds, the same for each: so the processes are forked from
one that has the imports behind it and has touched no device. What a test sees is what a shell
would: exit status, standard output, standard error, signals. The environment is that of the test,
but for what jax reads as it is imported.
"""

import atexit
import multiprocessing
import multiprocessing.connection
import os
import pathlib
import resource
import runpy
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from typing import NamedTuple

ROOT = pathlib.Path(__file__).parents[1]
# All but the commands themselves, whose flags are made when they are run.
IMPORTED = (
  'matplotlib.pyplot', 'ml_collections.config_flags', 'orbax.checkpoint', 'gan_jax.train',
  'gan_jax.costs', 'gan_jax.measuring', 'gan_jax.figures.curves', 'gan_jax.figures.timelapse',
  'scipy.integrate', 'sklearn.neighbors', 'tensorboardX',
)  # fmt: skip

CACHE = 'JAX_COMPILATION_CACHE_DIR'
# What is below, and multiprocessing's list of children, are not for several threads.
_ONE = threading.Lock()
_running: list['Command'] = []
spent = 0.0  # seconds of processor time of the commands that have ended


class Done(NamedTuple):
  """How a command ended."""

  status: int  # of a process that a signal ended: minus its number
  out: str
  err: str


class Command:
  """A command that was started; `ended` waits for it."""

  def __init__(self, target: Callable, given: tuple, cwd: pathlib.Path, environment: dict):
    self._folder = tempfile.TemporaryDirectory()
    self._files = [pathlib.Path(self._folder.name, name) for name in ('out', 'err', 'cost')]
    for file in self._files:
      file.touch()
    # Whole, as it is now: the server's own is that of whoever happened to come first.
    told = (target, given, str(cwd), {**os.environ, **environment}, *map(str, self._files))
    self._process = _server().Process(target=_play, args=told, daemon=True)
    self._kept, self._began = environment.get(CACHE, os.environ.get(CACHE)), time.time()
    self._used = 0.0  # seconds of processor time when it was last sent a signal
    with _ONE:
      self._process.start()
      _running.append(self)
    assert self._process.pid
    self.pid = self._process.pid

  def running(self) -> bool:
    """Whether it has not ended yet."""
    with _ONE:
      return self._process.is_alive()

  def said(self) -> str:
    """What it has printed so far."""
    return self._files[0].read_text()

  def send(self, number: signal.Signals) -> None:
    """A signal for it."""
    self._used = _used(self.pid)
    os.kill(self.pid, number)

  def ended(self, seconds: float = 300) -> Done:
    """How it ended; it is killed after so many seconds, which only keep a fault from hanging."""
    end = time.monotonic() + seconds
    while self.running() and time.monotonic() < end:
      time.sleep(0.01)
    if self.running():
      self.send(signal.SIGKILL)
      while self.running():
        time.sleep(0.01)
      self._forget()
    global spent
    out, err, cost = (file.read_text() for file in self._files)
    with _ONE:
      spent += float(cost or self._used)
      _running.remove(self)
    status = self._process.exitcode
    assert status is not None
    self._folder.cleanup()
    return Done(status, out, err)

  def _forget(self) -> None:
    """Removes the compiled programs that were written meanwhile: one may be half there."""
    for entry in pathlib.Path(self._kept).glob('*-cache') if self._kept else ():
      if entry.stat().st_mtime >= self._began:
        entry.unlink()

  def until(self, condition: Callable[[], bool], seconds: float = 300) -> None:
    """Waits until it is so while the command runs; AssertionError with its words if it ends."""
    end = time.monotonic() + seconds
    while not condition():
      if not self.running() or time.monotonic() > end:
        raise AssertionError(self.ended(0))
      time.sleep(0.02)


def start(module: str, *words: str, cwd: pathlib.Path = ROOT, **environment: str) -> Command:
  """`python -m MODULE WORDS`, begun; one that may be killed, or run beside another.

  It has no cache of compiled programs: half an entry would be an entry to those who come after.
  """
  return Command(_module, (module, words), cwd, {CACHE: '', **environment})


def call(function: Callable, *given: object, **environment: str) -> Command:
  """A function of a module, begun in a process of its own."""
  return Command(function, given, ROOT, {CACHE: '', **environment})


def run(module: str, *words: str, cwd: pathlib.Path = ROOT, **environment: str) -> Done:
  """`python -m MODULE WORDS`, and how it ended."""
  return Command(_module, (module, words), cwd, environment).ended()


def end() -> None:
  """Kills what a test has left running."""
  for one in list(_running):
    one.ended(0)


def _used(pid: int) -> float:
  """Seconds of processor time of a process and of those that it waited for (Linux)."""
  try:
    told = pathlib.Path(f'/proc/{pid}/stat').read_text()
  except OSError:
    return 0.0
  ticks = told.rpartition(')')[2].split()[11:15]  # the name, in brackets, may hold anything
  return sum(map(int, ticks)) / os.sysconf('SC_CLK_TCK')


def _server() -> multiprocessing.context.ForkServerContext:
  context = multiprocessing.get_context('forkserver')
  context.set_forkserver_preload([__name__, *IMPORTED])
  return context


def _play(
  target: Callable, given: tuple, cwd: str, environment: dict, out: str, err: str, cost: str
) -> None:
  """What the forked process does: it becomes what a shell would have started."""
  for name, number in ((out, 1), (err, 2)):
    file = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(file, number)
    os.close(file)
  os.chdir(cwd)
  sys.path.insert(0, cwd)
  # It may have processes of its own, and ends with that of the test, whatever happens to that.
  multiprocessing.current_process()._config['daemon'] = False  # type: ignore[attr-defined]
  threading.Thread(target=_end_with, args=(multiprocessing.parent_process(),), daemon=True).start()
  os.environ.clear()
  os.environ.update(environment)
  import jax

  cache = environment.get(CACHE) or None
  jax.config.update('jax_compilation_cache_dir', cache)  # read when jax was imported
  try:
    target(*given)
  finally:
    # A fork ends without what a process does at its exit.
    threading._shutdown()
    atexit._run_exitfuncs()
    used = [resource.getrusage(w) for w in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    pathlib.Path(cost).write_text(str(sum(u.ru_utime + u.ru_stime for u in used)))


def _end_with(parent: multiprocessing.process.BaseProcess) -> None:
  multiprocessing.connection.wait([parent.sentinel])
  os.kill(os.getpid(), signal.SIGKILL)


def _module(name: str, words: tuple[str, ...]) -> None:
  sys.argv = [name, *words]
  sys.modules.pop(name, None)  # imported by another, it would be there before it is run
  runpy.run_module(name, run_name='__main__', alter_sys=True)
