"""GANs that infer codes, on the 8x8 digits that come with scikit-learn: minutes, no download.

python -m gan_jax.main --config=experiments/codes_digits.py:game=bigan

Games: `bigan` (Donahue et al. 2017), `ali` (Dumoulin et al. 2017), `vaegan` (Larsen et al. 2016).
`bigan`, seed 0, on two CPU cores: the nearest neighbour in E(x) has the right class for 77.4% of
the 297 test images before training, when E is random, and for 85.9% after 1,000 rounds (in pixels,
94.6%); ||x - G(E(x))|| falls from 6.86 to 4.83, against 6.04 for another image's reconstruction.
`vaegan` likewise: 85.2% before and 94.3% after 1,000 rounds; the distance falls from 7.89 to 2.33,
against 5.87. Neither has played all its 6,000 rounds, and `ali` has not been run.
"""

from gan_jax.config import experiment, overlay, parse_arg, tiny
from gan_jax.errors import InputError

ADAM = dict(name='adam', learning_rate=1e-3, b1=0.5)
WIDE = (128, 128)
TRUNK = dict(name='encoders.Perceptron', hidden=WIDE)
JOINT = dict(name='joint.Discriminator', inputs=('image', 'z'))
GAUSSIAN = dict(name='encoders.Gaussian', inputs=('image',), dim=16, trunk=TRUNK)

GAMES = {
  'bigan': dict(
    prior=dict(name='uniform', dim=16),
    nets=dict(
      G=dict(name='bigan.Generator', inputs=('z',), width=128, output='tanh'),
      E=dict(name='bigan.Encoder', inputs=('image',), dim=16, width=128),
      D=dict(name='bigan.Discriminator', inputs=('image', 'z'), width=128),
    ),
    objective=dict(name='bigan', pair=dict(name='nonsaturating'), weight=0.5),
    players=dict(D=dict(owns=('D',), tx=ADAM), G=dict(owns=('G', 'E'), tx=ADAM)),
  ),
  'ali': dict(
    prior=dict(name='normal', dim=16),
    nets=dict(
      G=dict(name='plain.Generator', inputs=('z',), hidden=WIDE, output='tanh'),
      E=GAUSSIAN,
      D=dict(**JOINT, hidden=WIDE, slope=0.2),
    ),
    objective=dict(name='bigan', pair=dict(name='nonsaturating')),
    players=dict(D=dict(owns=('D',), tx=ADAM), G=dict(owns=('G', 'E'), tx=ADAM)),
  ),
  'vaegan': dict(
    prior=dict(name='normal', dim=16),
    nets=dict(
      G=dict(name='plain.Generator', inputs=('z',), hidden=WIDE, output='tanh'),
      E=GAUSSIAN,
      D=dict(name='plain.Discriminator', inputs=('image',), hidden=WIDE, slope=0.2, heads=dict()),
    ),
    objective=dict(
      name='vaegan', pair=dict(name='minimax'), likelihood=dict(name='gaussian'), gamma=0.1
    ),
    players={name: dict(owns=(name,), tx=ADAM) for name in ('E', 'G', 'D')},
  ),
}


def get_config(arg=''):
  """`tiny`, `game` and `pair` (unsaid, the game's own) after the colon."""
  arg = parse_arg(arg, tiny=False, game='bigan', pair='')
  if arg.game not in GAMES:
    raise InputError(f'game={arg.game!r} is none of {", ".join(GAMES)}.')
  chosen = dict(objective=dict(pair=dict(name=arg.pair))) if arg.pair else {}
  config = dict(
    data=dict(name='digits', split='train'),
    transform=(dict(name='scale', low=-1.0, high=1.0),),
    **overlay(GAMES[arg.game], chosen),
    play='simultaneous',
    rounds=6000,
    batch=64,
    rounds_per_call=500,
    evals=dict(
      samples=dict(name='figures.grids.samples', every=6000),
      reconstructions=dict(name='figures.reconstructions.encoded', every=6000),
      codes=dict(name='metrics.neighbours.neighbours', every=1000),
      error=dict(name='metrics.roundtrip.roundtrip', every=1000),
    ),
    log_every=1000,
    checkpoint=dict(every=6000, keep=1),
  )
  return experiment(tiny(config) if arg.tiny else config)
