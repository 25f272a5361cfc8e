"""What executors have on the nodes of a cluster: a hand that holds one process there.

It is asked, never busy: begin it, listen to it, stop it. Should it be killed with its node's
manager, or its sweep, the process is told to save and end (see settle.py).
"""

import contextlib
import os
import pathlib
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from typing import NamedTuple

from gan_jax.executors import settle
from gan_jax.executors.job import Job

VISIBLE = 5.0  # seconds that a new file may take to be seen on another machine


class Begun(NamedTuple):
  """A process has begun; or `wrong` is a sentence that says why it cannot, nor any other there."""

  node: str  # of whatever kind the engine tells nodes apart by
  label: str  # of the node, for people
  wrong: str = ''


class Hand:
  """Holds one process of a trial."""

  def __init__(self, here: Callable[[], tuple[str, str]]):
    self.node, self.label = here()
    self.process: subprocess.Popen | None = None

  def begin(self, job: Job, home: str, python: str, output: str) -> Begun:
    """Begins the job's command in the folder `home`, by this node's own Python if by `python`.

    What it prints is appended to `output`, which is there already if the disk is shared.
    """
    file = pathlib.Path(output)
    until = time.monotonic() + VISIBLE
    while not (file.exists() and os.path.isdir(home)) and time.monotonic() < until:
      time.sleep(0.5)
    for place in (file.parent, pathlib.Path(home)):
      if not place.is_dir():
        wrong = f'node {self.label} does not see {place}, which is to lie on a disk of all nodes.'
        return Begun(self.node, self.label, wrong)
    command = tuple(sys.executable if word == python else word for word in job.command)
    with file.open('ab') as sink:
      self.process = subprocess.Popen(
        settle.begins(job.workdir, command),
        cwd=home,
        stdout=sink,
        stderr=subprocess.STDOUT,
        stdin=subprocess.DEVNULL,
        start_new_session=True,
      )
    return Begun(self.node, self.label)

  def listen(self, seconds: float) -> int | None:
    """Its status, if it ends within so many seconds."""
    assert self.process is not None
    with contextlib.suppress(subprocess.TimeoutExpired):
      return self.process.wait(seconds)
    return None

  def stop(self) -> None:
    """Asks it to save and end."""
    if self.process is not None:
      self.process.send_signal(signal.SIGTERM)
