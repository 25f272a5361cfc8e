"""gan_jax's own code path: an experiment's config, put together and compiled by `program`."""

import importlib.util
import pathlib
from typing import Any

import cases
import jax

from gan_jax import assemble, population, program
from gan_jax import config as configs
from gan_jax.data.source import Source, in_memory

FOLDER = pathlib.Path(__file__).parents[1]


def config(job: cases.Job) -> dict[str, Any]:
  """The experiment's config at the job's sizes, without what rivals do not do: EMA, mirroring."""
  path = FOLDER / f'{job.experiment}.py'
  module: Any = importlib.util.module_from_spec(
    spec := importlib.util.spec_from_file_location(path.stem, path)
  )
  spec.loader.exec_module(module)
  out = configs.plain(module.get_config())
  out['transform'] = [t for t in out['transform'] if t['name'] == 'scale']
  out['data'] = dict(name='ours.source', job=list(job))
  out |= dict(batch=job.batch, ema={}, evals={}, resident_mb=1e6)
  if job.precision != 'float32':
    out['precision'] = job.precision
  if job.tiny:
    out['rounds_per_call'] = 2
  if job.game == 'dcgan':
    out['play']['noise'] = 'shared'  # one fake for D's move and G's, as the Torch code has it
  for name, hidden in dict(G=5 * job.width, D=job.width).items():
    size = dict(hidden=[hidden] * 2) if job.game == 'mlp' else dict(width=job.width)
    out['nets'][name] |= size
  return assemble.complete(out)


def source(job: list) -> Source:
  """The job's images, by the name that its config gives to the data."""
  return in_memory({'image': cases.images(cases.Job(*job))}, name='drawn', origin='drawn')


def build(job: cases.Job) -> cases.Bench:
  """The job as this project plays it; drawing samples is `Sampler.draw`."""
  conf = config(job)
  members = population.members(conf, pathlib.Path(), None)
  parts, own = program.build(conf, members), population.own(members[0])
  start = program.initialiser(parts.game, parts.way.one)
  state = parts.way.join([start(own.values, jax.random.key(conf['seed']))])
  counts = {n: sum(a.size for a in jax.tree.leaves(p)) for n, p in state.params.items()}
  if job.game == 'sampling':
    advance = _drawing(job, assemble.sampler(conf, parts.games[0], parts.known, {})(state))
  else:
    advance = _playing(conf, parts, state, parts.way.join([own]))
  return cases.Bench(advance, counts, jax.devices()[0].device_kind)


def _playing(conf: dict[str, Any], parts: program.Parts, state: Any, own: Any):
  """n -> rounds played: what `train.play` and `loop.play` do, without evals and files."""
  feed = program.open_feed(parts.source, parts.plan, parts.way, conf['resident_mb'])
  examples = state, feed.inputs(0), own
  call = program.compile_call(parts, feed, examples)
  round_ = 0

  def advance(n: int) -> int:
    nonlocal state, round_
    calls = -(-n // parts.plan.rounds)
    pending = None
    for _ in range(calls):
      state, scalars = call(state, feed.inputs(round_), own)
      round_ += parts.plan.rounds
      if pending is not None:  # the loop, too, awaits the call before this one
        jax.device_get(pending)
      pending = scalars
    jax.device_get(pending)
    jax.block_until_ready(state)
    return calls * parts.plan.rounds

  return advance


def _drawing(job: cases.Job, sampler: Any):
  """n -> batches drawn, as f32[n * B,H,W,C] on the host."""
  drawn = 0

  def advance(n: int) -> int:
    nonlocal drawn
    drawn += 1
    sampler.draw(jax.random.key(drawn), n * job.batch)
    return n

  return advance
