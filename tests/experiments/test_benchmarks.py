"""The comparison is fair: rivals have the same networks, and the count of FLOPs is right."""

import importlib
import pathlib
import subprocess
import sys

import jax
import numpy as np
import pytest

from gan_jax import assemble

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


def weights(net, seed):
  """Weights of a network, none of them 0 or 1."""
  params = net.init(jax.random.key(seed))
  leaves, tree = jax.tree.flatten(params)
  keys = jax.random.split(jax.random.key(seed + 1), len(leaves))
  draw = lambda p, k: p + 0.1 * jax.random.normal(k, p.shape)
  return jax.tree.unflatten(tree, [draw(p, k) for p, k in zip(leaves, keys, strict=True)])


def inputs(job):
  z = jax.random.normal(jax.random.key(5), (job.batch, job.z))
  return z, jax.random.uniform(jax.random.key(6), (job.batch, *job.shape), minval=-1.0)


def count(params):
  return sum(leaf.size for leaf in jax.tree.leaves(params))


@pytest.mark.parametrize('name', GAMES)
def test_flax_networks_have_our_weights_and_give_our_images_and_logits(name):
  job = tiny(name)
  nets, (z, x) = game(job).nets, inputs(job)
  for rival, key, given in zip(nets_flax.of(job), 'GD', (z, x), strict=True):
    params = weights(nets[key], 0)
    variables = rival_flax.state_of(rival, given, 0)
    jax.tree.map(
      lambda a, b: np.testing.assert_equal(a.shape, b.shape), variables['params'], params
    )
    training = name != 'mlp'  # dropout draws masks of its own in each: compared without it
    stats = {'params': params, 'batch_stats': variables['batch_stats']}
    theirs, _ = rival.apply(stats, given, train=training, mutable=['batch_stats'])
    np.testing.assert_allclose(theirs, nets[key].apply(params, given), atol=2e-5, rtol=2e-4)


@pytest.mark.parametrize('last', [False, True])
@pytest.mark.parametrize('name', GAMES)
def test_torch_networks_have_our_weights_and_give_our_images_and_logits(name, last):
  torch = pytest.importorskip('torch')
  nets_torch = importlib.import_module('nets_torch')
  job = tiny(name)
  nets, (z, x), mirrored = game(job).nets, inputs(job), name == 'wgan_gp'
  turn = lambda image: image[:, ::-1, ::-1] if mirrored else image
  first = lambda image: torch.tensor(np.moveaxis(np.array(turn(image)), 3, 1))
  for rival, key in zip(nets_torch.of(job, last), 'GD', strict=True):
    params = weights(nets[key], 0)
    assert sum(p.numel() for p in rival.parameters()) == count(params)
    copy(torch, params, rival, job, last, mirrored)
    if name == 'mlp':
      rival.eval()
    given = torch.tensor(np.array(z)) if key == 'G' else first(x)
    if name == 'mlp' and key == 'D':
      given = torch.tensor(np.array(x)).flatten(1)
    theirs = rival(given).detach().numpy()
    expected = nets[key].apply(params, z if key == 'G' else x)
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
def test_flops_on_paper_are_those_of_a_forward_pass(name):
  job = tiny(name, width=32)
  z, x = inputs(job)
  for net, given, on_paper in zip(nets_flax.of(job), (z, x), flops.layers(job), strict=True):
    variables = jax.eval_shape(lambda v, net=net: rival_flax.state_of(net, v, 0), given)
    forward = lambda v, x, net=net: net.apply(v, x, train=False)
    counted = jax.jit(forward).lower(variables, given).cost_analysis()['flops']
    assert job.batch * sum(on_paper) == pytest.approx(counted, rel=0.06)


@pytest.mark.parametrize('name', GAMES)
def test_flops_on_paper_are_those_of_a_step(name, monkeypatch):
  monkeypatch.setattr(cases, 'CRITIC_MOVES', 1)  # XLA counts the body of a loop once
  monkeypatch.setattr(rival_flax, 'looping', lambda job, step, state: (step, state))
  job = tiny(name, width=240 if name == 'mlp' else 32, batch=8)
  G, D = nets_flax.of(job)
  z, x = inputs(job)
  states = rival_flax.state_of(G, z, 0), rival_flax.state_of(D, x, 1)
  step, state = rival_flax.GAMES[job.game](job, G, D, *states)
  lowered = jax.jit(lambda s, k, x: step(s, lambda key: x, k, 0)).lower(state, jax.random.key(0), x)
  counted = lowered.compile().cost_analysis()['flops']
  assert flops.step(job) == pytest.approx(counted, rel=0.1)


def test_compare_prints_a_table_names_whom_it_left_out_and_writes_the_file(tmp_path):
  out = tmp_path / 'results.md'
  asked = dict(cases='mlp', contenders='gan_jax,flax', repeats=2, seconds=0.05, out=out)
  flags = [f'--{name}={value}' for name, value in asked.items()]
  command = [sys.executable, str(FOLDER / 'compare.py'), '--tiny', *flags]
  done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=300)
  text = out.read_text()
  assert text.strip() == done.stdout.strip()
  assert 'left out' not in text, text
  assert '## mlp, batch 4, float32' in text
  assert '| gan_jax |' in text
  assert '| flax |' in text
  assert 'best rival: flax, ' in text
  assert 'one large matrix product in jax: ' in text


@pytest.mark.parametrize(
  ('flag', 'value', 'sentence'),
  [
    ('--cases', 'dcgan65', '--cases knows no dcgan65'),
    ('--precision', 'float8', 'it knows float32, bfloat16'),
    ('--batches', '0', 'whole numbers from 1 up'),
    ('--repeats', '0', '--repeats must be 1 or more'),
  ],
)
def test_wrong_options_are_refused_with_a_sentence(flag, value, sentence, capsys):
  with pytest.raises(SystemExit):
    compare.parse([flag, value])
  assert sentence in capsys.readouterr().err


def test_ratio_is_that_of_the_medians_and_the_report_says_who_is_missing_and_why():
  job = tiny('mlp')
  warm = dict(ready=1.0, steps=1, counts={}, device='cpu')
  names = ('gan_jax', 'torch-nchw', 'flax')
  seconds = dict(zip(names, ([1.0, 2.0, 4.0], [2.0, 2.0, 2.0], [9.0, 9.0, 9.0]), strict=True))
  found = table.Measured(job, dict.fromkeys(names, warm), seconds, {'torch-compile': 'no'}, {})
  assert table.ratio(seconds['torch-nchw'], seconds['gan_jax']) == (1.0, 0.5, 2.0)
  assert table.best_rival(found) == 'torch-nchw'
  text = table.rendered(found)
  assert 'left out: torch-compile, since no' in text
  assert 'best rival: torch-nchw, 1.00 (0.50 to 2.00)' in text


def test_a_contender_without_its_library_is_left_out_and_a_broken_one_says_why(monkeypatch):
  absent = contenders.Contender('no_such_module', {}, 'jax', '')
  broken = contenders.Contender('products', dict(library='abacus'), 'jax', '')
  monkeypatch.setitem(contenders.CONTENDERS, 'absent', absent)
  monkeypatch.setitem(contenders.CONTENDERS, 'broken', broken)
  worker = contenders.start('absent', tiny('mlp'), 0.01)
  contenders.stop(worker)
  assert worker.ready == {'left_out': 'no_such_module is not installed'}
  with pytest.raises(contenders.Failed, match="KeyError: 'abacus'"):
    contenders.start('broken', tiny('mlp'), 0.01)
