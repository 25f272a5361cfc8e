"""Stock Flax: flax.linen's own layers, optax, and one jitted step that donates its state."""

import math
from functools import partial

import cases
import flax.linen as nn
import jax
import jax.numpy as jnp
import nets_flax
import numpy as np
import optax
from jax.nn import softplus


def build(job: cases.Job) -> cases.Bench:
  """The job as a user of Flax would write it."""
  G, D = nets_flax.of(job)
  g, d = state_of(G, jnp.zeros((2, job.z)), 0), state_of(D, jnp.zeros((2, *job.shape)), 1)
  counts = {n: sum(a.size for a in jax.tree.leaves(v['params'])) for n, v in (('G', g), ('D', d))}
  advance = GAMES[job.game](job, G, D, g, d)
  return cases.Bench(advance, counts, jax.devices()[0].device_kind)


def state_of(net: nn.Module, example: jax.Array, seed: int) -> dict:
  """{'params', 'batch_stats'}, the latter empty where there is no BatchNorm."""
  return {
    'batch_stats': {},
    **jax.jit(partial(net.init, train=False))(jax.random.key(seed), example),
  }


def run(net: nn.Module, params, stats, *inputs, key=None):
  """(output f32, next batch_stats) of a training call."""
  rngs = {} if key is None else {'dropout': key}
  out, new = net.apply(
    {'params': params, 'batch_stats': stats},
    *inputs,
    train=True,
    mutable=['batch_stats'],
    rngs=rngs,
  )
  return out.astype(jnp.float32), new.get('batch_stats', {})


def looping(job: cases.Job, step, state):
  """n -> n steps: dispatched one after another, awaited at the end; images lie on the device."""
  images, base, low = jnp.asarray(cases.images(job)), jax.random.key(2), LOW[job.game]

  @partial(jax.jit, donate_argnums=0)
  def update(state, images, i):
    def minibatch(key):
      x = images[jax.random.randint(key, (job.batch,), 0, len(images))]
      return x.astype(jnp.float32) * ((1 - low) / 255) + low

    return step(state, minibatch, jax.random.fold_in(base, i), i)

  played = 0

  def advance(n: int) -> int:
    nonlocal state, played
    for _ in range(n):
      state, losses = update(state, images, played)
      played += 1
    jax.block_until_ready((state, losses))
    return n

  return advance


def dcgan(job, G, D, g, d):
  """One fake; D moves on it, then G along the moved D's opinion of the same fake."""
  tx = optax.adam(2e-4, b1=0.5)

  def step(state, minibatch, key, i):
    g, d, g_opt, d_opt = state
    k_data, k_z = jax.random.split(key)
    real, z = minibatch(k_data), jax.random.normal(k_z, (job.batch, job.z))
    fake, pull, g_stats = jax.vjp(
      lambda p: run(G, p, g['batch_stats'], z), g['params'], has_aux=True
    )

    def d_loss(p):
      r, stats = run(D, p, d['batch_stats'], real)
      f, stats = run(D, p, stats, fake)
      return softplus(-r).mean() + softplus(f).mean(), stats

    (d_cost, d_stats), grads = jax.value_and_grad(d_loss, has_aux=True)(d['params'])
    updates, d_opt = tx.update(grads, d_opt)
    d_params = optax.apply_updates(d['params'], updates)

    def g_loss(fake):
      f, stats = run(D, d_params, d_stats, fake)
      return softplus(-f).mean(), stats

    (g_cost, d_stats), slope = jax.value_and_grad(g_loss, has_aux=True)(fake)
    updates, g_opt = tx.update(pull(slope)[0], g_opt)
    g = dict(params=optax.apply_updates(g['params'], updates), batch_stats=g_stats)
    return (g, dict(params=d_params, batch_stats=d_stats), g_opt, d_opt), (d_cost, g_cost)

  return looping(job, step, (g, d, tx.init(g['params']), tx.init(d['params'])))


def mlp(job, G, D, g, d):
  """Both move at once, v <- m v - lr g and p <- p + v with the rate and momentum of 2014."""

  def step(state, minibatch, key, i):
    g, d, g_v, d_v = state
    k_data, k_z, k_real, k_fake = jax.random.split(key, 4)
    real = minibatch(k_data)
    z = jax.random.uniform(k_z, (job.batch, job.z), minval=-(3**0.5), maxval=3**0.5)
    fake, pull = jax.vjp(lambda p: run(G, p, {}, z)[0], g)

    def d_loss(p):
      r, f = run(D, p, {}, real, key=k_real)[0], run(D, p, {}, fake, key=k_fake)[0]
      return (softplus(-r).mean() + softplus(f).mean()) / 2

    g_loss = lambda fake: softplus(-run(D, d, {}, fake, key=k_fake)[0]).mean()
    d_cost, d_grads = jax.value_and_grad(d_loss)(d)
    g_cost, slope = jax.value_and_grad(g_loss)(fake)
    rate = jnp.maximum(0.1 * jnp.exp(-math.log(1.000004) * i), 1e-6)
    momentum = 0.7 - 0.2 * jnp.clip((249 - i // 500) / 249, 0, 1)
    move = lambda v, grad: momentum * v - rate * grad
    g_v, d_v = jax.tree.map(move, g_v, pull(slope)[0]), jax.tree.map(move, d_v, d_grads)
    g, d = optax.apply_updates(g, g_v), optax.apply_updates(d, d_v)
    return (g, d, g_v, d_v), (d_cost, g_cost)

  still = [jax.tree.map(jnp.zeros_like, v['params']) for v in (g, d)]
  return looping(job, step, (g['params'], d['params'], *still))


def wgan_gp(job, G, D, g, d):
  """Five critic moves, each with a fake of its own, in a scan; then G's."""
  tx = optax.adam(1e-4, b1=0.5, b2=0.9)

  def critic_move(g, minibatch, carry, key):
    params, opt, g_stats = carry
    k_data, k_z, k_between = jax.random.split(key, 3)
    real = minibatch(k_data)
    z = jax.random.normal(k_z, (job.batch, job.z))
    fake, g_stats = run(G, g['params'], g_stats, z)
    t = jax.random.uniform(k_between, (job.batch, 1, 1, 1))
    between = real + t * (fake - real)

    def loss(p):
      score = lambda x: run(D, p, {}, x)[0]
      slopes = jax.grad(lambda x: score(x).sum())(between)
      norms = jnp.sqrt((slopes**2).sum((1, 2, 3)) + 1e-12)
      return score(fake).mean() - score(real).mean() + 10 * ((norms - 1) ** 2).mean()

    cost, grads = jax.value_and_grad(loss)(params)
    updates, opt = tx.update(grads, opt)
    return (optax.apply_updates(params, updates), opt, g_stats), cost

  def step(state, minibatch, key, i):
    g, d, g_opt, d_opt = state
    k_z, *keys = jax.random.split(key, 1 + cases.CRITIC_MOVES)
    carry = d, d_opt, g['batch_stats']
    (d, d_opt, g_stats), costs = jax.lax.scan(
      partial(critic_move, g, minibatch), carry, jnp.stack(keys)
    )
    z = jax.random.normal(k_z, (job.batch, job.z))

    def g_loss(p):
      fake, stats = run(G, p, g_stats, z)
      return -run(D, d, {}, fake)[0].mean(), stats

    (cost, g_stats), grads = jax.value_and_grad(g_loss, has_aux=True)(g['params'])
    updates, g_opt = tx.update(grads, g_opt)
    g = dict(params=optax.apply_updates(g['params'], updates), batch_stats=g_stats)
    return (g, d, g_opt, d_opt), (costs[-1], cost)

  return looping(job, step, (g, d['params'], tx.init(g['params']), tx.init(d['params'])))


def sampling(job, G, D, g, d):
  """Batches of images with BatchNorm's running statistics, gathered on the host."""

  @jax.jit
  def generate(g, key):
    return G.apply(g, jax.random.normal(key, (job.batch, job.z)), train=False).astype(jnp.float32)

  keys = jax.jit(lambda seed, i: jax.random.fold_in(jax.random.key(seed), i))

  def advance(n: int) -> int:
    out = np.empty((n, job.batch, *job.shape), np.float32)
    ahead = generate(g, keys(3, 0))
    for i in range(n):  # the next batch is on its way while this one is copied
      now, ahead = ahead, generate(g, keys(3, i + 1)) if i + 1 < n else None
      out[i] = now
    return n

  return advance


GAMES = {'dcgan': dcgan, 'mlp': mlp, 'wgan_gp': wgan_gp, 'sampling': sampling}
LOW = {'dcgan': -1.0, 'mlp': 0.0, 'wgan_gp': -1.0}  # where the networks' grey levels start
