"""Relativistic GANs on CIFAR-10 (Jolicoeur-Martineau 2019), the authors' "stable" setting.

  python -m gan_jax.main --config=experiments/rgan_cifar10.py
  python -m gan_jax.main --config=experiments/rgan_cifar10.py:pair=relativistic_hinge

AlexiaJM/RelativisticGAN, stable.sh: SNGAN's standard networks, spectral norm on D, Adam at 2e-4
with (.5, .999), batches of 32, a move each, and real images of its own for G, which every
relativistic pair wants. Pairs: relativistic, relativistic_average, relativistic_least_squares and
relativistic_hinge, beside all others.
"""

from ml_collections.config_dict import placeholder

from gan_jax.config import experiment, parse_arg, tiny


def get_config(arg=''):
  """`tiny`, `pair`, `width` and `rounds` after the colon."""
  arg = parse_arg(arg, tiny=False, pair='relativistic_average', width=64, rounds=100_000)
  adam = dict(name='adam', learning_rate=2e-4, b1=0.5, b2=0.999)
  config = dict(
    data=dict(name='cifar10', split='train', folder=placeholder(str)),
    transform=(dict(name='scale', low=-1.0, high=1.0),),
    prior=dict(name='normal', dim=128),
    nets=dict(
      G=dict(name='sn_cnn.Generator', inputs=('z',), width=arg.width),
      D=dict(
        name='sn_cnn.Discriminator', inputs=('image',), width=arg.width, reparam='spectral_norm'
      ),
    ),
    objective=dict(name='gan', pair=dict(name=arg.pair)),
    players=dict(D=dict(owns=('D',), tx=adam), G=dict(owns=('G',), tx=adam)),
    play=dict(name='alternating', schedule=(('D', 0), ('G', 1))),
    ema=dict(G=dict(name='warmed_up', decay=0.999)),
    rounds=arg.rounds,
    batch=32,
    rounds_per_call=10,
    evals=dict(samples=dict(name='figures.grids.samples', every=1000)),
    log_every=100,
    checkpoint=dict(every=1000, keep=2),
  )
  small = dict(nets__G__width=4, nets__D__width=4)
  return experiment(tiny(config, shape=(16, 16, 3), **small) if arg.tiny else config)
