"""WGAN-GP on MNIST (Gulrajani et al. 2017, the authors' gan_mnist.py): no norm in either network.

python -m gan_jax.main --config=experiments/wgan_gp_mnist.py
"""

from ml_collections.config_dict import placeholder

from gan_jax.config import experiment, parse_arg, tiny


def get_config(arg=''):
  """`tiny` and `pair` after the colon."""
  arg = parse_arg(arg, tiny=False, pair='wasserstein')
  adam = dict(name='adam', learning_rate=1e-4, b1=0.5, b2=0.9)
  config = dict(
    data=dict(name='mnist', split='train', folder=placeholder(str)),
    transform=(dict(name='scale', low=0.0, high=1.0),),
    prior=dict(name='normal', dim=128),
    nets=dict(
      G=dict(name='wgan_gp.Generator', inputs=('z',), width=64, norm='none', output='sigmoid'),
      D=dict(name='wgan_gp.Discriminator', inputs=('image',), width=64),
    ),
    objective=dict(
      name='gan', pair=dict(name=arg.pair), penalties=(dict(name='wgan_gp', weight=10.0),)
    ),
    players=dict(D=dict(owns=('D',), tx=adam), G=dict(owns=('G',), tx=adam)),
    play=dict(name='alternating', schedule=('G',) + ('D',) * 5),
    ema=dict(G=dict(name='warmed_up', decay=0.999)),
    rounds=200_000,
    batch=50,
    rounds_per_call=10,
    evals=dict(samples=dict(name='figures.grids.samples', every=1000)),
    log_every=100,
    checkpoint=dict(every=1000, keep=2),
  )
  small = dict(nets__G__width=4, nets__D__width=4)
  return experiment(tiny(config, shape=(14, 14, 1), **small) if arg.tiny else config)
