"""Every comparison side by side in one run, and a table of each.

  python experiments/benchmarks/compare.py                                (all cases, float32)
  python experiments/benchmarks/compare.py --cases dcgan64 --precision bfloat16 --repeats 7
  python experiments/benchmarks/compare.py --cases dcgan64 --batches 128,512 --out RESULTS.md

Each contender is a process of its own, built and warmed up while the others wait; then they take
turns, a repetition of a second or more at a time, in an order that turns round after each repeat.
PyTorch comes with `pip install 'gan_jax[benchmark]'`; without it, those contenders are left out.
"""

import argparse
import contextlib
import pathlib
import sys
import time

import cases
import contenders
import machine
import table


def parse(argv: list[str]) -> argparse.Namespace:
  """The command line; refuses names that do not exist."""
  words = lambda text: [word for word in text.split(',') if word]
  parser = argparse.ArgumentParser(
    description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
  )
  add = parser.add_argument
  add('--cases', type=words, default=list(cases.CASES), help=', '.join(cases.CASES))
  add('--precision', type=words, default=['float32'], help='float32, bfloat16 or both')
  add('--batches', type=words, default=[], help="in place of the cases' own, e.g. 128,512")
  add('--contenders', type=words, default=list(contenders.CONTENDERS),
      help=', '.join(contenders.CONTENDERS))  # fmt: skip
  add('--repeats', type=int, default=5, help='turns that each contender takes')
  add('--seconds', type=float, default=1.0, help='the least that a turn lasts')
  add('--out', type=pathlib.Path, help='a Markdown file to write the report to')
  add('--tiny', action='store_true', help='networks of width 4, for a test of this command')
  options = parser.parse_args(argv)
  known = dict(cases=cases.CASES, precision=cases.PRECISIONS, contenders=contenders.CONTENDERS)
  for flag, names in known.items():
    if strangers := [n for n in getattr(options, flag) if n not in names]:
      parser.error(f'--{flag} knows no {", ".join(strangers)}; it knows {", ".join(names)}.')
  if not all(b.isdigit() and int(b) for b in options.batches):
    parser.error(f'--batches are whole numbers from 1 up, not {",".join(options.batches)}.')
  if options.repeats < 1:
    parser.error(f'--repeats must be 1 or more, not {options.repeats}.')
  return options


def measure(job: cases.Job, options: argparse.Namespace) -> table.Measured:
  """The seconds per step of every contender in every repeat of one job."""
  found = table.Measured(job, {}, {}, {}, {})
  with contextlib.ExitStack() as stack:
    warm = []
    for name in contenders.entrants(options.contenders):
      note(f'{job.title}: {name} warms up')
      try:
        worker = contenders.start(name, job, options.seconds)
      except contenders.Failed as error:
        found.left_out[name] = f'it failed: {error}'
        continue
      stack.callback(contenders.stop, worker)
      if reason := worker.ready.get('left_out'):
        found.left_out[name] = reason
        continue
      found.ready[name], found.seconds[name] = worker.ready, []
      warm.append(worker)
    since: dict[str, float] = {}
    for turn in range(options.repeats):
      for worker in warm[:: -1 if turn % 2 else 1]:
        time.sleep(0.25)  # the threads of the one before may spin for a moment after their work
        idle = time.perf_counter() - since.get(worker.name, float('-inf'))
        said = contenders.repeat(worker)
        since[worker.name] = time.perf_counter()
        share = said['cpu_while_idle'] / idle
        found.idle[worker.name] = max(share, found.idle.get(worker.name, 0.0))
        found.seconds[worker.name].append(said['seconds'])
      note(f'{job.title}: turn {turn + 1} of {options.repeats}')
  return found


def note(text: str) -> None:
  """Progress, on stderr, so that stdout is the report alone."""
  print(text, file=sys.stderr, flush=True)


def main(argv: list[str]) -> None:
  """Measures, and prints as it goes; the file is rewritten after each case."""
  options = parse(argv)
  jobs = cases.jobs(
    options.cases, options.precision, [int(b) for b in options.batches], options.tiny
  )
  report = [table.heading(argv, options), machine.described()]
  print('\n\n'.join(report), flush=True)
  plain: dict[tuple[str, int], table.Measured] = {}
  for job in jobs:
    found = measure(job, options)
    if job.precision == 'float32':
      plain[job.case, job.batch] = found
    before = None if job.precision == 'float32' else plain.get((job.case, job.batch))
    report.append(table.rendered(found, before))
    print('\n' + report[-1], flush=True)
    if options.out:
      options.out.write_text('\n\n'.join(report) + '\n')


if __name__ == '__main__':
  main(sys.argv[1:])
