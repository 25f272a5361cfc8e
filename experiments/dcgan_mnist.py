"""DCGAN (Radford et al. 2016) on MNIST digits, 28x28, in the 4x4 dialect of the Torch code.

python -m gan_jax.main --config=experiments/dcgan_mnist.py
python -m gan_jax.main --config=experiments/dcgan_mnist.py:pair=hinge --config.data.folder=FOLDER
Run here as `:width=32`, seed 0, on two CPU cores that had other work too: after 1,600 rounds, seven
minutes, most of 64 samples are digits that a person reads, some are not yet closed.
"""

from ml_collections.config_dict import placeholder

from gan_jax.config import experiment, parse_arg, tiny


def get_config(arg=''):
  """`tiny`, `pair` and `width` after the colon."""
  arg = parse_arg(arg, tiny=False, pair='nonsaturating', width=64)
  adam = dict(name='adam', learning_rate=2e-4, b1=0.5)
  config = dict(
    data=dict(name='mnist', split='train', folder=placeholder(str)),
    transform=(dict(name='scale', low=-1.0, high=1.0),),
    prior=dict(name='normal', dim=100),
    nets=dict(
      G=dict(name='dcgan.Generator', inputs=('z',), width=arg.width),
      D=dict(name='dcgan.Discriminator', inputs=('image',), width=arg.width),
    ),
    objective=dict(name='gan', pair=dict(name=arg.pair)),
    players=dict(D=dict(owns=('D',), tx=adam), G=dict(owns=('G',), tx=adam)),
    play=dict(name='alternating', schedule=('D', 'G'), noise='shared'),
    ema=dict(G=dict(name='warmed_up', decay=0.999)),
    rounds=10_000,
    batch=64,
    rounds_per_call=10,
    seed=0,
    evals=dict(samples=dict(name='figures.grids.samples', every=500)),
    log_every=100,
    checkpoint=dict(every=1000, keep=2),
  )
  small = dict(nets__G__width=4, nets__D__width=4)
  return experiment(tiny(config, shape=(14, 14, 1), **small) if arg.tiny else config)
