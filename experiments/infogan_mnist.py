"""InfoGAN on MNIST (Chen et al. 2016), as its authors' code trains it (openai/InfoGAN).

  python -m gan_jax.main --config=experiments/infogan_mnist.py --config.data.folder=FOLDER

62 numbers of noise, a code of ten categories, two of U(-1,1); Adam with 2e-4 for D and Q, 1e-3 for
G; 5,000 rounds of 128, D and G on the same real batch. No label is used in training: `clusters` is
how often Q's category of a test image agrees with its digit, `codes` how often a sample's code
does, each after the ten categories were matched with the ten digits.

It was not run to its end here. A far smaller one (`:width=8,units=128 --config.rounds=1000`, seed 0
on two CPU cores) had 29.1% and 30.6%, of 15.1% and 11.7% at round 0, by a classifier that is right
about 94.6% of the test images. `infogan_digits` was played longer, and found the digits.
"""

from ml_collections.config_dict import placeholder

from gan_jax.config import experiment, parse_arg, tiny


def get_config(arg=''):
  """`tiny`, `pair`, `width` (64) and `units` (1024) after the colon."""
  arg = parse_arg(arg, tiny=False, pair='nonsaturating', width=64, units=1024)
  adam = lambda rate: dict(name='adam', learning_rate=rate, b1=0.5)
  size = dict(width=arg.width, units=arg.units)
  config = dict(
    data=dict(name='mnist', split='train', folder=placeholder(str)),
    transform=(dict(name='scale', low=0.0, high=1.0),),
    prior=dict(
      name='structured',
      noise=dict(name='uniform', dim=62, bound=1.0),
      categorical=(10,),
      continuous=2,
    ),
    nets=dict(
      G=dict(name='infogan.Generator', inputs=('z',), **size),
      D=dict(name='infogan.Discriminator', inputs=('image',), heads=dict(q=14), **size),
    ),
    objective=dict(name='infogan', pair=dict(name=arg.pair)),
    players=dict(D=dict(owns=('D',), tx=adam(2e-4)), G=dict(owns=('G',), tx=adam(1e-3))),
    play=dict(name='alternating', schedule=('D', 'G')),
    rounds=5000,
    batch=128,
    rounds_per_call=10,
    evals=dict(
      figure=dict(name='figures.conditional.codes', every=500),
      codes=dict(name='metrics.agreement.codes', every=500),
      clusters=dict(name='metrics.agreement.clusters', every=500, output='q', first=10),
    ),
    log_every=100,
    checkpoint=dict(every=500, keep=2),
  )
  small = {f'nets__{n}__{k}': v for n in 'GD' for k, v in dict(width=4, units=8).items()}
  small |= dict(evals__codes__n=20)
  return experiment(tiny(config, shape=(28, 28, 1), **small) if arg.tiny else config)
