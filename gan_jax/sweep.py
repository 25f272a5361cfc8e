"""Plays a sweep: many runs of one experiment, and what they come to in one table.

python -m gan_jax.sweep --sweep=experiments/sweeps/losses.py
python -m gan_jax.sweep --sweep=experiments/sweeps/losses.py:tiny --executor='local(slots=2)'
python -m gan_jax.sweep --sweep=experiments/sweeps/losses.py --executor='local(gpus=[0,1,2,3])'
python -m gan_jax.sweep --sweep=experiments/sweeps/losses.py --dry_run     (what would be played)

The same command goes on: trials that are done stay as they are, the others go on from their last
checkpoint. A trial that comes to a bad end is tried again, as often as the sweep says, and reported
if that was of no use; one that says what is wrong with it (a diverged run, a wrong value) is not,
since it would come to the same end. --again tries those that failed once more.

Executors are named like calls: local, population, ray play the trials; shell, jobset and skypilot
write files by which they are played elsewhere, and the same command tells later what came of it.
"""

import pathlib
import sys
from collections import deque
from collections.abc import Sequence
from typing import Any

from absl import app, flags

from gan_jax import command
from gan_jax.alone import alone
from gan_jax.errors import Interrupted


def main(argv: list[str]) -> int:
  """Plays as the flags say and writes the table; 1 if a trial failed."""
  if len(argv) > 1:
    raise app.UsageError(f'{argv[1]!r} is no flag.')
  from gan_jax.sweeps import book, results, trials

  said = flags.FLAGS
  path, _, arg = said.sweep.partition(':')
  sweep = book.read(trials.load(path, 'get_sweep')(*([arg] if arg else [])))
  default = pathlib.Path('runs') / '-'.join(filter(None, (pathlib.Path(path).stem, arg)))
  workdir = pathlib.Path(said.workdir or default)
  if said.dry_run:
    if sweep.search:
      print(
        f'{sweep.search.n} trials by {sweep.search.sampler}, of {", ".join(sweep.search.space)}'
      )
      return 0
    for name, overrides in sweep.trials.items():
      print(
        ' '.join(trials.arguments(sweep.config, overrides)), f'--workdir={workdir}/trials/{name}'
      )
    print(f'{len(sweep.trials)} trials')
    return 0
  print(f'workdir  {workdir}')
  with alone(workdir):
    book.claim(workdir, sweep)
    book.look(workdir, sweep)
    try:
      play(workdir, sweep, said.executor, again=said.again)
    except KeyboardInterrupt:
      raise Interrupted('stopped; the same command goes on.', 130) from None
    finally:
      for line in results.close(workdir, sweep):
        print(line)
  failed = [n for n in sweep.trials if book.standing(workdir, n)['state'] == 'failed']
  return int(bool(failed))


PROGRAM = sys.executable, '-m', 'gan_jax.main'


def play(
  workdir: pathlib.Path,
  sweep: Any,
  executor: str = 'local',
  *,
  again: bool = False,
  program: Sequence[str] = PROGRAM,
) -> None:
  """Has the executor play all trials that are not done; `again`: those that failed, too.

  A trial is `program` with the flags of its overrides. `executor` is written like a call,
  local(slots=2), and looked for in `gan_jax/executors/`, or a dotted path of your own. Raises
  InputError for one that there is not.
  """
  from gan_jax import asking
  from gan_jax.executors.job import Ended, Started, Tick, Told
  from gan_jax.sweeps import book, search
  from gan_jax.sweeps.board import board

  execute = asking.call(executor, 'executors')
  over = ('done',) if again else ('done', 'failed')
  left = [n for n in sweep.trials if book.standing(workdir, n)['state'] not in over]
  queue = deque(book.job(workdir, sweep, name, tuple(program)) for name in left)
  tries = dict.fromkeys(left, 0)
  study = search.study(workdir, sweep)

  def ask() -> None:  # of a search: as many as it has at once
    while sweep.search and len(tries) < sweep.search.at_once and (name := study.ask()):
      queue.append(book.job(workdir, sweep, name, tuple(program)))
      tries[name] = 0

  ask()
  with board(workdir, sweep) as shown:
    for event in execute(queue):
      match event:
        case Started(job, where):
          book.begun(workdir, job.name, where)
          shown.say(f'began    {job.name}{f" on {where}" if where else ""}')
        case Ended(job, status, lost):
          tries[job.name] += not lost
          state, line = judged(status, lost, tries[job.name], sweep.retries,
                               book.last_words(workdir, job.name))  # fmt: skip
          book.ended(workdir, job.name, status, state, line)
          shown.say(f'{state:8} {job.name}{"" if state == "done" else f": {line}"}')
          if state == 'again':
            queue.append(job)
          elif state != 'waiting':
            tries.pop(job.name)
            study.tell(job.name)
            ask()
        case Told(line):
          shown.say(line)
        case Tick():
          shown.refresh()


def judged(status: int, lost: bool, tried: int, retries: int, words: str) -> tuple[str, str]:
  """(how the trial stands now, a sentence), after its process ended like this for the n-th time.

  A status of 1 with a sentence of ours is an answer, to which another attempt would come as well; a
  stop (143, 130) leaves the trial waiting; all else is bad luck, for which there are the retries.
  """
  if status == 0:
    return 'done', words
  if status in (143, 130, -15, -2) and not lost:
    return 'waiting', 'stopped'
  if status == 1 and words.startswith('gan_jax: '):
    return 'failed', words.removeprefix('gan_jax: ')
  how = 'its machine went away' if lost else _ended(status)
  if lost or tried <= retries:
    return 'again', f'{how}; {words}'
  return 'failed', f'{how}, {tried} times; {words}'


def _ended(status: int) -> str:
  return f'killed by signal {-status}' if status < 0 else f'ended with status {status}'


if __name__ == '__main__':
  flags.DEFINE_string('sweep', None, 'The sweep: a file, as FILE.py:ARG.', required=True)
  flags.DEFINE_string('workdir', None, 'Where it lives; runs/ and its name by default.')
  flags.DEFINE_string('executor', 'local', 'Where it is played: local(slots=2), ...')
  flags.DEFINE_bool('again', False, 'Tries those that failed once more.')
  flags.DEFINE_bool('dry_run', False, 'Only says what would be played.')
  command.start(main)
