"""The comparison is fair: rivals have the same networks, and the count of FLOPs is right."""

import functools
import importlib
import pathlib
import subprocess
import sys
import time
import types

import jax
import numpy as np
import pytest

from gan_jax import assemble
from tests.messages import refused, says

FOLDER = pathlib.Path(__file__).parents[2] / 'experiments' / 'benchmarks'
sys.path.insert(0, str(FOLDER))
cases, compare, contenders, flops, nets_flax, ours, rival_flax, table = map(
  importlib.import_module,
  ('cases', 'compare', 'contenders', 'flops', 'nets_flax', 'ours', 'rival_flax', 'table'),
)
GAMES = ('dcgan64', 'dcgan28', 'mlp', 'wgan_gp')


def tiny(name, **changes):
  (job,) = cases.jobs([name], ['float32'], tiny=True)
  return job._replace(**changes)


def game(job):
  """The networks of gan_jax in a job, with no data."""
  conf = ours.config(job)
  known = assemble.Facts(
    job.shape, {'image': (job.shape, 'float32')}, 0, assemble.transform(conf).range, {}
  )
  return assemble.game(conf, known, lambda: np.full(job.shape, 0.5, np.float32))


def weights(net):
  """Weights of a network, none of them 0 or 1: kernels and biases about 0, gains about 1."""
  rng = np.random.default_rng(0)
  normal = lambda shape: rng.normal(size=shape).astype(np.float32)
  about = lambda path: float(path[-1].key == 'scale')
  shapes = jax.eval_shape(net.init, jax.random.key(0))
  return jax.tree_util.tree_map_with_path(lambda p, s: about(p) + 0.1 * normal(s.shape), shapes)


def inputs(job):
  rng = np.random.default_rng(5)
  z = rng.normal(size=(job.batch, job.z)).astype(np.float32)
  return z, rng.uniform(-1, 1, (job.batch, *job.shape)).astype(np.float32)


@functools.cache
def answers(name):
  """('G', weights, z, images) and ('D', weights, images, logits) of our networks of a tiny job."""
  nets = game(tiny(name)).nets
  return [
    (key, params := weights(nets[key]), given, np.asarray(jax.jit(nets[key].apply)(params, given)))
    for key, given in zip('GD', inputs(tiny(name)), strict=True)
  ]


def count(params):
  return sum(leaf.size for leaf in jax.tree.leaves(params))


@pytest.mark.parametrize('name', GAMES)
def test_nets_flax_have_our_weights_and_give_our_images_and_logits(name):
  for rival, (_, params, given, ours_) in zip(nets_flax.of(tiny(name)), answers(name), strict=True):
    shapes = jax.eval_shape(lambda v, rival=rival: rival_flax.state_of(rival, v, 0), given)
    jax.tree.map(lambda a, b: np.testing.assert_equal(a.shape, b.shape), shapes['params'], params)
    training = name != 'mlp'  # dropout draws masks of its own in each: compared without it
    # Running statistics, which a training call does not look at.
    running = jax.tree.map(lambda s: np.zeros(s.shape, s.dtype), shapes['batch_stats'])
    apply = functools.partial(rival.apply, train=training, mutable=['batch_stats'])
    theirs, _ = jax.jit(apply)({'params': params, 'batch_stats': running}, given)
    np.testing.assert_allclose(theirs, ours_, atol=2e-5, rtol=2e-4)


@pytest.mark.parametrize('last', [False, True])
@pytest.mark.parametrize('name', GAMES)
def test_nets_torch_have_our_weights_and_give_our_images_and_logits(name, last):
  torch = pytest.importorskip('torch')
  nets_torch = importlib.import_module('nets_torch')
  job, mirrored = tiny(name), name == 'wgan_gp'
  turn = lambda image: image[:, ::-1, ::-1] if mirrored else image
  first = lambda image: torch.tensor(np.ascontiguousarray(np.moveaxis(turn(image), 3, 1)))
  for rival, (key, params, x, expected) in zip(
    nets_torch.of(job, last), answers(name), strict=True
  ):
    assert sum(p.numel() for p in rival.parameters()) == count(params)
    copy(torch, params, rival, job, last, mirrored)
    if name == 'mlp':
      rival.eval()
    given = torch.tensor(x) if key == 'G' else first(x)
    if name == 'mlp' and key == 'D':
      given = torch.tensor(x).flatten(1)
    theirs = rival(given).detach().numpy()
    if key == 'G':
      theirs = theirs.reshape(expected.shape) if name == 'mlp' else np.moveaxis(theirs, 1, 3)
      theirs = turn(theirs)
    np.testing.assert_allclose(theirs, expected, atol=2e-5, rtol=2e-4)


def copy(torch, params, net, job, last, mirrored):
  """Puts our weights into a network of torch: the i-th layer of a kind is the i-th of its kind."""
  kinds = {'Linear': 'Dense', 'Maxout': 'Dense', 'Conv2d': 'Conv', 'BatchNorm1d': 'BatchNorm',
           'ConvTranspose2d': 'ConvTranspose', 'BatchNorm2d': 'BatchNorm'}  # fmt: skip
  seen = dict.fromkeys(kinds.values(), 0)
  (h, w), smallest = cases.pyramid(job)[0][-1], job.game != 'mlp'

  def units(v):
    """[...,h w c] of the smallest image, in the order and the mirror that the rival has."""
    if not smallest or v.shape[-1] % (h * w) or v.shape[-1] == job.z:
      return v
    v = v.reshape(*v.shape[:-1], h, w, -1)
    v = v[..., ::-1, ::-1, :] if mirrored else v
    return (v if last else np.moveaxis(v, -1, -3)).reshape(*v.shape[:-3], -1)

  for module in [m for m in net.modules() if type(m).__name__ in kinds]:
    kind = type(module).__name__
    p = {k: np.array(v) for k, v in params[f'{kinds[kind]}_{seen[kinds[kind]]}'].items()}
    seen[kinds[kind]] += 1
    kernel, bias = p.get('kernel', p.get('scale')), p.get('bias')
    if kind == 'Maxout':
      apart = lambda v: v.reshape(*v.shape[:-1], -1, 5).swapaxes(-1, -2).reshape(v.shape)
      kernel, bias = apart(kernel).T, apart(bias)
    elif kind == 'Linear':
      kernel = units(units(kernel).T)
      bias = None if bias is None else units(bias)
    elif kind == 'BatchNorm1d':
      kernel, bias = units(kernel), units(bias)
    elif kind == 'Conv2d':
      kernel = (kernel[::-1, ::-1] if mirrored else kernel).transpose(3, 2, 0, 1)
    elif kind == 'ConvTranspose2d':
      kernel = (kernel if mirrored else kernel[::-1, ::-1]).transpose(2, 3, 0, 1)
    put = lambda to, v: to.data.copy_(torch.tensor(np.ascontiguousarray(v)))
    put(module.weight, kernel)
    if bias is not None:
      put(module.bias, bias)
  assert sum(seen.values()) == len(params)


@pytest.mark.parametrize('name', GAMES)
def test_layers_have_the_flops_of_a_forward_pass(name):
  job = tiny(name, width=32)
  z, x = inputs(job)
  for net, given, on_paper in zip(nets_flax.of(job), (z, x), flops.layers(job), strict=True):
    variables = jax.eval_shape(lambda v, net=net: rival_flax.state_of(net, v, 0), given)
    forward = lambda v, x, net=net: net.apply(v, x, train=False)
    counted = jax.jit(forward).lower(variables, given).cost_analysis()['flops']
    assert job.batch * sum(on_paper) == pytest.approx(counted, rel=0.06)


# What compiling takes out matters in the perceptron; in the largest it takes seconds to look at.
@pytest.mark.parametrize(
  ('name', 'compiled'),
  [('dcgan64', False), ('dcgan28', True), ('mlp', True), ('wgan_gp', False)]
  + [pytest.param(name, True, marks=pytest.mark.slow) for name in ('dcgan64', 'wgan_gp')],
)
def test_step_has_the_flops_of_a_step_of_flax(name, compiled, monkeypatch):
  monkeypatch.setattr(cases, 'CRITIC_MOVES', 1)  # XLA counts the body of a loop once
  monkeypatch.setattr(rival_flax, 'looping', lambda job, step, state: (step, state))
  job = tiny(name, width=240 if name == 'mlp' else 32, batch=8)
  G, D = nets_flax.of(job)
  z, x = inputs(job)
  begun = lambda z, x: (rival_flax.state_of(G, z, 0), rival_flax.state_of(D, x, 1))
  shapes = jax.eval_shape(begun, z, x)
  states = jax.tree.map(lambda s: np.zeros(s.shape, s.dtype), shapes)
  step, state = rival_flax.GAMES[job.game](job, G, D, *states)
  lowered = jax.jit(lambda s, k, x: step(s, lambda key: x, k, 0)).lower(state, jax.random.key(0), x)
  counted = lowered.compile() if compiled else lowered
  assert flops.step(job) == pytest.approx(counted.cost_analysis()['flops'], rel=0.1)


@pytest.mark.slow  # four processes, each of which starts and compiles
def test_compare_prints_a_table_of_all_and_writes_the_file(tmp_path):
  out = tmp_path / 'results.md'
  asked = dict(cases='mlp', contenders='gan_jax,flax', repeats=2, seconds=0.05, out=out)
  flags = [f'--{name}={value}' for name, value in asked.items()]
  command = [sys.executable, str(FOLDER / 'compare.py'), '--tiny', *flags]
  done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=300)
  text = out.read_text()
  assert text.strip() == done.stdout.strip()
  assert 'left out' not in text, text
  says(text, '## mlp, batch 4, float32', '| gan_jax |', '| flax |', 'best rival: flax, ',
       'in jax: ')  # fmt: skip


class Standing:
  """In place of a contender's process: it is warm, and each turn takes a step of 2 s."""

  def __init__(self, name, job):
    self.name, self.job, self.alive = name, job, True
    self.ready = dict(ready=1.0, steps=1, counts={'n': 8} if name == 'jax' else {}, device='cpu')
    if name == 'torch-nhwc':
      self.ready = {'left_out': 'torch is not installed'}


def test_compare_has_all_take_turns_and_names_whom_it_left_out(monkeypatch, tmp_path, capsys):
  """The command without its processes, of which it stops each."""
  begun, turns = {}, []

  def start(name, job, seconds):
    if name == 'torch-nchw':
      raise contenders.Failed('no luck')
    return begun.setdefault(name, Standing(name, job))

  def repeat(worker):
    turns.append(worker.name)
    return dict(seconds=2.0, steps=1, cpu_while_idle=0.0)

  def stop(worker):
    worker.alive = False

  for function in (start, repeat, stop):
    monkeypatch.setattr(contenders, function.__name__, function)
  pause = types.SimpleNamespace(sleep=lambda seconds: None, perf_counter=time.perf_counter)
  monkeypatch.setattr(compare, 'time', pause)
  monkeypatch.setattr(compare.machine, 'described', lambda: 'a machine')
  out = tmp_path / 'results.md'
  names = 'gan_jax,torch-nchw,torch-nhwc,flax'
  compare.main(['--tiny', '--cases=mlp', '--repeats=2', f'--contenders={names}', f'--out={out}'])
  text = out.read_text()
  assert text.strip() == capsys.readouterr().out.strip()
  warm = ['gan_jax', 'flax', 'jax', 'torch']
  assert turns == [*warm, *warm[::-1]], 'an order that turns round'
  assert not any(worker.alive for worker in begun.values())
  says(text, 'a machine', '## mlp, batch 4, float32', 'torch-nchw, since it failed: no luck')
  says(text, 'torch-nhwc, since torch is not installed', 'flax, 1.00 (1.00 to 1.00)')


@pytest.mark.parametrize(
  ('flag', 'value', 'facts'),
  [
    ('--cases', 'dcgan65', ('--cases', 'dcgan65', 'dcgan64')),
    ('--precision', 'float8', ('--precision', 'float8', 'float32', 'bfloat16')),
    ('--batches', '0', ('--batches', 'from 1')),
    ('--repeats', '0', ('--repeats', '1', '0')),
  ],
)
def test_parse_refuses_what_is_wrong(flag, value, facts, capsys):
  with pytest.raises(SystemExit):
    compare.parse([flag, value])
  says(capsys.readouterr().err, *facts)


def test_ratio_is_of_the_medians_and_rendered_says_who_is_missing():
  job = tiny('mlp')
  warm = dict(ready=1.0, steps=1, counts={}, device='cpu')
  names = ('gan_jax', 'torch-nchw', 'flax')
  seconds = dict(zip(names, ([1.0, 2.0, 4.0], [2.0, 2.0, 2.0], [9.0, 9.0, 9.0]), strict=True))
  found = table.Measured(job, dict.fromkeys(names, warm), seconds, {'torch-compile': 'no'}, {})
  assert table.ratio(seconds['torch-nchw'], seconds['gan_jax']) == (1.0, 0.5, 2.0)
  assert table.best_rival(found) == 'torch-nchw'
  text = table.rendered(found)
  says(text, 'torch-compile, since no', 'best rival: torch-nchw, 1.00 (0.50 to 2.00)')


def test_start_leaves_out_without_a_library_and_says_what_is_broken(monkeypatch):
  absent = contenders.Contender('no_such_module', {}, 'jax', '')
  broken = contenders.Contender('products', dict(library='abacus'), 'jax', '')
  monkeypatch.setitem(contenders.CONTENDERS, 'absent', absent)
  monkeypatch.setitem(contenders.CONTENDERS, 'broken', broken)
  worker = contenders.start('absent', tiny('mlp'), 0.01)
  contenders.stop(worker)
  assert worker.ready == {'left_out': 'no_such_module is not installed'}
  with refused("KeyError: 'abacus'", error=contenders.Failed):
    contenders.start('broken', tiny('mlp'), 0.01)
