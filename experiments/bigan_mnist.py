"""BiGAN (Donahue et al. 2017, section 4.1) on permutation-invariant MNIST, as jeffdonahue/bigan.

python -m gan_jax.main --config=experiments/bigan_mnist.py --config.data.folder=FOLDER

G and E are one player; all move at once; 400 epochs, the second half of them with a learning rate
that falls to 1%. Codes in U(-1,1)^50, L2 of 2.5e-5 added to the gradients, both costs halved. Their
log (README of the code) has, by the nearest neighbour in E(x), 91.50% at the start, 95.41% after
25 epochs, 95.92% after 200 and 92.10% after 400; in the hidden layer before it 96.84%, 96.28%,
97.14% and 97.35%. Here it was only tried in its tiny form; what E learns was looked at on the small
digits of codes_digits.py.
"""

from ml_collections.config_dict import placeholder

from gan_jax.config import experiment, parse_arg, tiny

ROUNDS = 78_000  # 200 epochs of 50,000 images, 128 at a time


def get_config(arg=''):
  """`tiny`, `pair` and `width` after the colon."""
  arg = parse_arg(arg, tiny=False, pair='nonsaturating', width=1024)
  rate = dict(
    name='exponential_decay', init_value=2e-4, decay_rate=0.01, transition_steps=ROUNDS,
    transition_begin=ROUNDS,
  )  # fmt: skip
  decayed = dict(name='add_decayed_weights', weight_decay=2.5e-5)
  tx = dict(name='chain', links=(decayed, dict(name='adam', learning_rate=rate, b1=0.5)))
  nearest = dict(name='metrics.neighbours.neighbours', every=10_000, train=50_000, test=10_000)
  config = dict(
    data=dict(name='mnist', split='train[:50000]', folder=placeholder(str)),
    transform=(dict(name='scale', low=0.0, high=1.0),),
    prior=dict(name='uniform', dim=50),
    nets=dict(
      G=dict(name='bigan.Generator', inputs=('z',), width=arg.width),
      E=dict(name='bigan.Encoder', inputs=('image',), dim=50, width=arg.width),
      D=dict(name='bigan.Discriminator', inputs=('image', 'z'), width=arg.width),
    ),
    objective=dict(name='bigan', pair=dict(name=arg.pair), weight=0.5),
    players=dict(D=dict(owns=('D',), tx=tx), G=dict(owns=('G', 'E'), tx=tx)),
    play='simultaneous',
    rounds=2 * ROUNDS,
    batch=128,
    rounds_per_call=10,
    evals=dict(
      samples=dict(name='figures.grids.samples', every=2000),
      reconstructions=dict(name='figures.reconstructions.encoded', every=2000),
      codes=nearest,
      features=dict(**nearest, output='features'),
      error=dict(name='metrics.roundtrip.roundtrip', every=2000),
    ),
    log_every=500,
    checkpoint=dict(every=10_000, keep=2),
  )
  small = dict(nets__G__width=8, nets__E__width=8, nets__D__width=8)
  return experiment(tiny(config, shape=(28, 28, 1), **small) if arg.tiny else config)
