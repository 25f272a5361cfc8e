"""LSGAN (Mao et al. 2017, eq. 9: a, b, c = 0, 1, 1) on CIFAR-10, on a DCGAN body.

  python -m gan_jax.main --config=experiments/lsgan_cifar10.py
  python -m gan_jax.main --config=experiments/lsgan_cifar10.py:a=-1,b=1,c=0

The second is their eq. 8. Their own images are of LSUN at 112x112; this is the loss, not that run.
"""

from ml_collections.config_dict import placeholder

from gan_jax.config import experiment, parse_arg, tiny


def get_config(arg=''):
  """`tiny`, the targets `a`, `b` and `c`, and `pair` after the colon."""
  arg = parse_arg(arg, tiny=False, a=0.0, b=1.0, c=1.0, pair='least_squares')
  adam = dict(name='adam', learning_rate=2e-4, b1=0.5)
  targets = dict(a=arg.a, b=arg.b, c=arg.c) if arg.pair == 'least_squares' else dict()
  config = dict(
    data=dict(name='cifar10', split='train', folder=placeholder(str)),
    transform=(dict(name='scale', low=-1.0, high=1.0),),
    prior=dict(name='uniform', dim=100),
    nets=dict(
      G=dict(name='dcgan.Generator', inputs=('z',), width=64),
      D=dict(name='dcgan.Discriminator', inputs=('image',), width=64),
    ),
    objective=dict(name='gan', pair=dict(name=arg.pair, **targets)),
    players=dict(D=dict(owns=('D',), tx=adam), G=dict(owns=('G',), tx=adam)),
    play=dict(name='alternating', schedule=('D', 'G')),
    ema=dict(G=dict(name='warmed_up', decay=0.999)),
    rounds=50_000,
    batch=64,
    rounds_per_call=10,
    evals=dict(samples=dict(name='figures.grids.samples', every=1000)),
    log_every=100,
    checkpoint=dict(every=1000, keep=2),
  )
  small = dict(nets__G__width=4, nets__D__width=4)
  return experiment(tiny(config, shape=(16, 16, 3), **small) if arg.tiny else config)
