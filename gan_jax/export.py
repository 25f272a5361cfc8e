"""Makes of a run a folder that draws its images without this package, on CPU, CUDA and TPU.

python -m gan_jax.export --workdir=runs/dcgan_mnist --out=dcgan_mnist

OUT/generator.stablehlo  the generator as a program, its weights and BatchNorm's statistics in it:
                         what G takes, for any number of images -> uint8[N,H,W,C]
OUT/load.py              ten lines that call it; they need jax, and flatbuffers, by which it reads
OUT/weights.safetensors  the weights, averaged ones where there are any, each by its path:
                         'G/ConvTranspose_0/kernel'
OUT/README.md            the model card: what it is, from which config, and what was measured of it
OUT/config.json, card.json, samples.png
"""

import json
import pathlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import jax
import jax.export  # jax 0.7 does not by itself
import numpy as np
from absl import app, flags

from gan_jax import command
from gan_jax.errors import InputError
from gan_jax.sampling import Sampler

PLATFORMS = 'cpu', 'cuda', 'tpu'
PROGRAM, LOADER = 'generator.stablehlo', 'load.py'

LOAD = '''"""Draws from the generator beside this file, by jax and flatbuffers: python load.py 16"""

import json, pathlib, sys
import jax, jax.export

here = pathlib.Path(__file__).parent
card = json.loads((here / 'card.json').read_text())
program = jax.export.deserialize(bytearray((here / 'generator.stablehlo').read_bytes()))


def draw(n, seed=0, **given):
  """n images, uint8[n,H,W,C]; of what else the generator takes than z give arrays of n."""
  z = {'normal': lambda k, s: jax.random.normal(k, s), 'uniform': lambda k, s: jax.random.uniform(
    k, s, minval=-card['bound'], maxval=card['bound'])}
  key, of = jax.random.key(seed), card['inputs']
  return program.call(*(given[i['name']] if i['name'] in given else
                        z[card['prior']](key, (n, *i['shape'])) for i in of))


if __name__ == '__main__':
  print(draw(int(sys.argv[1] if len(sys.argv) > 1 else 4)).shape)
'''


def main(argv: list[str]) -> int:
  """Writes the folder and says what is in it."""
  if len(argv) > 1:
    raise app.UsageError(f'{argv[1]!r} is no flag.')
  said = flags.FLAGS
  out = pathlib.Path(said.out)
  for path in export(said.workdir, out, said.round):
    print(f'wrote    {path} ({path.stat().st_size / 1e6:.2f} MB)')
  return 0


def export(workdir: str | pathlib.Path, out: pathlib.Path, round_: int | None = None) -> list[Any]:
  """Writes what this file's head names into `out`; returns the paths.

  Raises InputError if there is no run, its generator is several networks, or is told more than z
  and a class, or if `out` cannot be written to.
  """
  from gan_jax import log, measuring, runs
  from gan_jax.features import safetensors
  from gan_jax.figures.grids import grid

  workdir = pathlib.Path(workdir)
  run, sampler = runs.load(workdir, round_), runs.sampler(workdir, round_)
  card = described(run.config, sampler, run.known.classes)
  card |= dict(
    round=sampler.round, code=measuring.code(), measured=measured(workdir, sampler.round)
  )
  try:
    out.mkdir(parents=True, exist_ok=True)
    (out / PROGRAM).write_bytes(program(sampler, card['inputs']))
    (out / LOADER).write_text(LOAD)
    safetensors.write(out / 'weights.safetensors', named({**run.state.params, **run.state.ema}))
    runs.write_json(out / 'config.json', run.config)
    runs.write_json(out / 'card.json', card)
    log.save_png(out / 'samples.png', grid(sampler.display(sampler.draw(jax.random.key(1), 64))))
    (out / 'README.md').write_text('\n'.join(readme(workdir.name, run.config, card)) + '\n')
  except OSError as error:
    raise InputError(f'{out} cannot be written to: {error.strerror}.') from error
  return sorted(out.iterdir())


def program(sampler: Sampler, inputs: Sequence[Mapping[str, Any]]) -> bytes:
  """The generator as serialised StableHLO for all `PLATFORMS`, of any number of images."""
  if sampler.along is None:
    raise InputError('only a generator of images that draws them in one go can be exported.')
  draw = sampler.along(_alone)
  (n,) = jax.export.symbolic_shape('n')
  like = [jax.ShapeDtypeStruct((n, *i['shape']), np.dtype(i['dtype'])) for i in inputs]
  whole = jax.jit(lambda *given: draw({}, *given)['image'])
  # A hint to XLA on CPU, for which jax vouches less long than for StableHLO itself.
  allowed = [jax.export.DisabledSafetyCheck.custom_call('LayoutConstraint')]
  exported = jax.export.export(whole, platforms=PLATFORMS, disabled_checks=allowed)(*like)
  try:
    return bytes(exported.serialize())
  except ImportError:
    raise InputError("exporting needs flatbuffers: pip install 'gan_jax[export]'.") from None


def described(config: Mapping[str, Any], sampler: Sampler, classes: int) -> dict[str, Any]:
  """What a program must be handed, and how to make it: JSON."""
  from gan_jax.priors import Normal, Uniform

  kinds = {Normal: 'normal', Uniform: 'uniform'}
  if type(sampler.prior) not in kinds:
    raise InputError('a generator is exported with a normal or uniform z; this run has another.')
  names = config['nets']['G']['inputs']
  given = [np.asarray(a) for a in sampler.fill(jax.random.key(0), 1)]
  inputs = [
    dict(name=name, shape=list(a.shape[1:]), dtype=a.dtype.name)
    for name, a in zip(names, given, strict=True)
  ]
  return dict(
    inputs=inputs,
    prior=kinds[type(sampler.prior)],
    bound=float(getattr(sampler.prior, 'bound', 0.0)),
    classes=classes if 'label' in names else 0,
    image=list(sampler.shape),
    **sampler.facts,
  )


def measured(workdir: pathlib.Path, round_: int) -> dict[str, Any]:
  """metric -> its values and protocol, as `gan_jax.evaluate` wrote them for this round."""
  path = workdir / 'evaluations' / f'{round_:08d}.json'
  return dict(json.loads(path.read_text())['metrics']) if path.exists() else {}


def named(params: Mapping[str, Any]) -> dict[str, np.ndarray]:
  """'G/Dense_0/kernel' -> array, of all weights."""
  flat = jax.tree_util.tree_leaves_with_path(params)
  return {'/'.join(str(key.key) for key in path): np.asarray(leaf) for path, leaf in flat}


def readme(name: str, config: Mapping[str, Any], card: Mapping[str, Any]) -> Iterator[str]:
  """The lines of the model card."""
  objective = config['objective']
  pair = objective.get('pair')
  loss = pair['name'] if isinstance(pair, Mapping) else pair
  yield f'# {name}\n\n![Random samples, not picked](samples.png)\n'
  shape = ','.join(map(str, card['image']))
  yield f'A generator of images uint8[N,{shape}], trained with gan_jax.\n'
  rows = [
    ('data', config['data']['name']),
    ('networks', ', '.join(f'{n}: {net["name"]}' for n, net in sorted(config['nets'].items()))),
    ('objective', f'{objective["name"]}{f", {loss}" if loss else ""}'),
    ('trained', f'{card["round"]:,} rounds of batches of {config["batch"]}, seed {config["seed"]}'),
    ('weights', card.get('weights', '')),
    ('z', f'{card["prior"]}' + (f', up to {card["bound"]:g}' if card['bound'] else '')),
    ('takes', ', '.join(f'{i["name"]} {i["dtype"]}[N{"".join(f",{s}" for s in i["shape"])}]'
                        for i in card['inputs'])),
    ('code', f'gan_jax {card["code"]["gan_jax"]}, {card["code"]["revision"]}'),
  ]  # fmt: skip
  yield '| | |\n|---|---|'
  yield from (f'| {key} | {value} |' for key, value in rows)
  yield '\n## Measured\n'
  if not card['measured']:
    yield 'Nothing was, of this round: `python -m gan_jax.evaluate` does it, then export again.'
  for metric, found in card['measured'].items():
    told = ', '.join(f'{k} {v:.5g}' for k, v in found['values'].items())
    how = '; '.join(f'{k} {v}' for k, v in found['protocol'].items())
    yield f'- **{metric}**: {told} ({how})'
  yield '\n## Use\n\n```python\nfrom load import draw  # beside this file\n'
  label = ', label=jax.numpy.zeros(16, int)' if card['classes'] else ''
  yield f'images = draw(16, seed=1{label})  # uint8[16,{shape}]\n```'


def _alone(weights: Any, images: Any) -> dict[str, Any]:
  return {}


if __name__ == '__main__':
  flags.DEFINE_string('workdir', None, 'The folder of the run.', required=True)
  flags.DEFINE_string('out', 'exported', 'The folder to write.')
  flags.DEFINE_integer('round', None, 'Which checkpoint; the newest if unsaid.')
  command.start(main)
