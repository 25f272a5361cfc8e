"""One contender in a process of its own, so that no two pools of threads meet.

  python worker.py MODULE OPTIONS JOB SECONDS      (the last three are JSON; compare.py writes them)

It builds, warms up and says so, then answers each line 'go' with one repetition. What libraries
print goes to stderr; stdout carries one JSON object a line. While it waits it blocks in a read.
"""

import importlib
import json
import math
import os
import sys
import time
import traceback

import cases

MISSING = {'torch': "torch is not installed; pip install 'gan_jax[benchmark]' brings it"}


def main(module: str, options: str, fields: str, seconds: str) -> None:
  """Says {'ready': s, ...} or {'left_out' or 'failed': why}; then {'seconds': of a step, ...}."""
  answers = os.fdopen(os.dup(1), 'w', buffering=1)
  os.dup2(2, 1)

  def say(**answer) -> None:
    answers.write(json.dumps(answer) + '\n')

  job, least = cases.Job(**json.loads(fields)), json.loads(seconds)
  began = time.perf_counter()
  try:
    bench = importlib.import_module(module).build(job, **json.loads(options))
    bench.advance(1)
  except ModuleNotFoundError as error:
    return say(left_out=MISSING.get(error.name or '', f'{error.name} is not installed'))
  except cases.LeftOut as reason:
    return say(left_out=str(reason))
  except Exception as error:  # whatever it is, the others can be compared without it
    traceback.print_exc()
    return say(failed=f'{type(error).__name__}: {" ".join(str(error).split())[:300]}')
  ready = time.perf_counter() - began
  steps = warmed(bench, least)
  say(ready=ready, steps=steps, counts=bench.counts, device=bench.device)
  busy = time.process_time()
  for _ in sys.stdin:
    idle, began = time.process_time() - busy, time.perf_counter()
    played = bench.advance(steps)
    taken = time.perf_counter() - began
    busy = time.process_time()
    say(seconds=taken / played, steps=played, cpu_while_idle=idle)


def warmed(bench: cases.Bench, least: float) -> int:
  """How many steps take at least that many seconds, found by playing more and more of them."""
  steps, taken = 1, 0.0
  while True:
    began = time.perf_counter()
    played = bench.advance(steps)
    taken = time.perf_counter() - began
    if taken >= least / 2:
      return max(played, math.ceil(played * least / taken))
    steps = max(2 * played, min(16 * played, math.ceil(played * least / max(taken, 1e-6))))


if __name__ == '__main__':
  main(*sys.argv[1:])
