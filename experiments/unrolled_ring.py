"""Unrolled GAN (Metz et al. 2017, section 3.1) on a ring of eight Gaussians: poolio/unrolled_gan.

python -m gan_jax.main --config=experiments/unrolled_ring.py

G descends on the saddle at the D of five Adam moves from now. The notebook has these networks, of
49,666 and 17,025 weights (not quite the paper's), z of 256 numbers, 512 points at a time and 25,000
rounds; its ring has seven modes, since linspace gives the first twice, and a radius of 1. What
differs from it: where the moments of the look-ahead begin, see objectives/unrolled.py.
Not trained here beyond its tiny form.
"""

from gan_jax.config import experiment, parse_arg, tiny


def get_config(arg=''):
  """`tiny`, `pair` and `steps`, how far G looks ahead, after the colon."""
  arg = parse_arg(arg, tiny=False, pair='saddle', steps=5)
  adam = dict(name='adam', b1=0.5, eps=1e-8)
  d_moves = dict(**adam, learning_rate=1e-4)
  ahead = dict(**d_moves, eps_root=1e-16)
  config = dict(
    data=dict(name='mixture.ring', split='train', radius=1.0, sigma=0.01),
    prior=dict(name='normal', dim=256),
    nets=dict(
      G=dict(name='unrolled.Generator', inputs=('z',)),
      D=dict(name='unrolled.Discriminator', inputs=('image',)),
    ),
    objective=dict(name='gan', pair=dict(name=arg.pair)),
    wrappers=(dict(name='unrolled', steps=arg.steps, tx=ahead),),
    players=dict(
      D=dict(owns=('D',), tx=d_moves), G=dict(owns=('G',), tx=dict(**adam, learning_rate=1e-3))
    ),
    play='simultaneous',
    rounds=25_000,
    batch=512,
    rounds_per_call=100,
    evals=dict(
      points=dict(name='figures.plane.points', every=5000),
      modes=dict(name='metrics.modes.modes', every=5000),
    ),
    log_every=500,
    checkpoint=dict(every=5000, keep=2),
  )
  return experiment(tiny(config) if arg.tiny else config)
