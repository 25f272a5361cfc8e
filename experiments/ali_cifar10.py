"""ALI (Dumoulin et al. 2017) on CIFAR-10, the table of its appendix A; code IshmaelBelghazi/ALI.

python -m gan_jax.main --config=experiments/ali_cifar10.py --config.data.folder=FOLDER

The encoder is a Gaussian, drawn from in every round; G and E are one player and all move at once.
6,475 epochs of 100 images at a time. (The table's beta_2 = 10^-3 is Blocks' way to say .999.)
Not trained here beyond its tiny form.
"""

from ml_collections.config_dict import placeholder

from gan_jax.config import experiment, parse_arg, tiny


def get_config(arg=''):
  """`tiny`, `pair` and `width` after the colon."""
  arg = parse_arg(arg, tiny=False, pair='nonsaturating', width=32)
  adam = dict(name='adam', learning_rate=1e-4, b1=0.5)
  narrow = dict(name='jax.nn.initializers.normal', stddev=0.01)
  trunk = dict(name='ali.Trunk', width=arg.width)
  config = dict(
    data=dict(name='cifar10', split='train', folder=placeholder(str)),
    transform=(dict(name='scale', low=0.0, high=1.0),),
    prior=dict(name='normal', dim=64),
    nets=dict(
      G=dict(name='ali.marginal_generator', inputs=('z',), width=arg.width),
      E=dict(name='encoders.Gaussian', inputs=('image',), dim=64, trunk=trunk, kernel_init=narrow),
      D=dict(name='ali.Discriminator', inputs=('image', 'z'), width=arg.width),
    ),
    objective=dict(name='bigan', pair=dict(name=arg.pair)),
    players=dict(D=dict(owns=('D',), tx=adam), G=dict(owns=('G', 'E'), tx=adam)),
    play='simultaneous',
    rounds=6475 * 500,
    batch=100,
    rounds_per_call=10,
    evals=dict(
      samples=dict(name='figures.grids.samples', every=2500),
      reconstructions=dict(name='figures.reconstructions.encoded', every=2500),
      error=dict(name='metrics.roundtrip.roundtrip', every=2500),
      codes=dict(name='metrics.neighbours.neighbours', every=50_000),
    ),
    log_every=500,
    checkpoint=dict(every=10_000, keep=2),
  )
  small = dict(nets__G__width=2, nets__D__width=2, nets__E__trunk__width=2)
  return experiment(tiny(config, shape=(32, 32, 3), **small) if arg.tiny else config)
