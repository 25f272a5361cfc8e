"""Kills a run again and again, and shows that it comes to what it would have come to anyway.

python -m tests.soak --config=experiments/gan_digits.py --rounds=400000 --every=60

A run of so many rounds is played once straight through and, beside it, once with SIGTERM or
SIGKILL, at random, every so many seconds on average, each time followed by the same command. The
two must end with the same weights, bit for bit, the same log (but for rates) and the same pictures,
and the memory that a process holds must not grow. Status 0 says that all of it is so.
"""

import argparse
import hashlib
import pathlib
import random
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

from gan_jax import checkpoint, runs
from tests.runs import numbers

ROOT = pathlib.Path(__file__).parents[1]
LOOK = 0.5  # seconds between two looks at a process
WARM = 60.0  # seconds after which its memory should stand still
LEAST = 240  # looks after that, or nothing is said of it
GROWTH = 0.03  # of it, that is not called growth

Begin = Callable[[Sequence[str]], Any]  # what it returns is used like a Popen
Due = Callable[[float], bool]  # seconds since a process began -> whether it is to be killed now
Moment = Callable[[random.Random, float, pathlib.Path], Due]  # as `by_the_clock`


class Played(NamedTuple):
  """One process of a run."""

  status: int
  killed_by: str  # '' if it ended by itself
  seconds: float
  memory: list[tuple[float, int]]  # (seconds since its start, resident bytes)


def begin(words: Sequence[str]) -> subprocess.Popen:
  """`python -m WORDS`, begun."""
  return subprocess.Popen([sys.executable, '-m', *words], cwd=ROOT, stdout=subprocess.DEVNULL)


def by_the_clock(dice: random.Random, every: float, workdir: pathlib.Path) -> Due:
  """A kill so many seconds after a process began, at random, `every` on average."""
  until = dice.expovariate(1 / every)
  return lambda seconds: seconds > until


def main(argv: Sequence[str], begin: Begin = begin, moment: Moment = by_the_clock) -> int:
  """Plays both, compares, says so. `begin` starts a command, `moment` says when it is killed."""
  parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
  parser.add_argument('--config', default='experiments/gan_digits.py')
  parser.add_argument('--rounds', type=int, default=400_000)
  parser.add_argument('--every', type=float, default=60.0, help='seconds between kills, on average')
  parser.add_argument('--kills', type=int, default=10**6, help='after so many it is left alone')
  parser.add_argument('--seed', type=int, default=0)
  parser.add_argument('--workdir', type=pathlib.Path, default=None)
  said, more = parser.parse_known_args(argv)
  workdir = said.workdir or pathlib.Path(tempfile.mkdtemp(prefix='soak'))
  words = ['gan_jax.main', f'--config={said.config}', f'--config.rounds={said.rounds}', *more]
  dice = random.Random(said.seed)
  after = lambda: moment(dice, said.every, workdir / 'killed')
  with ThreadPoolExecutor() as pool:
    beside = pool.submit(play, begin, words, workdir / 'straight', random.Random(), after, 0)
    killed = play(begin, words, workdir / 'killed', dice, after, said.kills)
    straight = beside.result()
  wrong = [*differences(workdir / 'straight', workdir / 'killed'), *growth(straight + killed)]
  for line in (*told('straight', straight), *told('killed', killed)):
    print(line)
  print('\n'.join(f'wrong    {line}' for line in wrong) or 'same     weights, log and pictures')
  return int(bool(wrong))


def play(
  begin: Begin,
  words: Sequence[str],
  workdir: pathlib.Path,
  dice: random.Random,
  after: Callable[[], Due],
  kills: int,
) -> list[Played]:
  """The same command until it ends by itself; raises SystemExit if it fails."""
  out: list[Played] = []
  while not out or out[-1].killed_by:
    due = after() if len(out) < kills else lambda seconds: False
    how = dice.choice(('SIGTERM', 'SIGKILL'))
    out.append(once(begin([*words, f'--workdir={workdir}']), due, how))
    if not out[-1].killed_by and out[-1].status:
      raise SystemExit(f'{workdir} failed with status {out[-1].status}.')
  return out


def once(process: Any, due: Due, how: str) -> Played:
  """A process that is sent the signal when it is due, if it still is there."""
  began, memory, killed_by = time.monotonic(), [], ''
  while process.poll() is None:
    now = time.monotonic() - began
    memory.append((now, resident(process.pid)))
    if not killed_by and due(now):
      process.send_signal(signal.Signals[how])
      killed_by = how
    time.sleep(LOOK)
  return Played(process.returncode, killed_by, time.monotonic() - began, memory)


def resident(pid: int) -> int:
  """Bytes that the process holds in memory (Linux), 0 if it has just gone."""
  try:
    fields = pathlib.Path(f'/proc/{pid}/status').read_text()
  except OSError:
    return 0
  found = [line.split()[1] for line in fields.splitlines() if line.startswith('VmRSS')]
  return 1024 * int(found[0]) if found else 0


def differences(a: pathlib.Path, b: pathlib.Path) -> list[str]:
  """What two runs do not have in common."""
  out = []
  if (x := weights(a)) != (y := weights(b)):
    out.append(f'{len([k for k in x | y if x.get(k) != y.get(k)])} of {len(x)} arrays differ')
  if numbers(a) != numbers(b):
    out.append('the logs differ')
  if pictures(a) != pictures(b):
    out.append('the pictures differ')
  return out


def weights(workdir: pathlib.Path) -> dict[str, str]:
  """The digests of all arrays of the newest checkpoint, which is whole."""
  return checkpoint.digests(runs.load(workdir).state)


def pictures(workdir: pathlib.Path) -> dict[str, str]:
  """The digest of each picture."""
  found = sorted((workdir / 'samples').glob('*.*'))
  return {p.name: hashlib.sha256(p.read_bytes()).hexdigest() for p in found}


def growth(played: Sequence[Played]) -> list[str]:
  """A sentence for every process that held more memory at its end than once it was warm."""
  out = []
  for one in played:
    warm = [size for at, size in one.memory if at > WARM and size]
    if len(warm) < LEAST:
      continue
    quarter = len(warm) // 4
    first, last = statistics.median(warm[:quarter]), statistics.median(warm[-quarter:])
    if last > (1 + GROWTH) * first:
      out.append(f'memory grew from {first / 2**20:.0f} to {last / 2**20:.0f} MiB')
  return out


def told(name: str, played: Sequence[Played]) -> list[str]:
  """How it went, in a line."""
  kills = [one.killed_by for one in played if one.killed_by]
  spent = sum(one.seconds for one in played)
  most = max(size for one in played for _, size in one.memory) / 2**20
  by = ', '.join(f'{kills.count(k)} {k}' for k in sorted(set(kills))) or 'no kills'
  return [f'{name:8} {spent / 60:.1f} min in {len(played)} processes, {by}; at most {most:.0f} MiB']


if __name__ == '__main__':
  sys.exit(main(sys.argv[1:]))
