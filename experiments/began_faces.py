"""BEGAN (Berthelot et al. 2017) on a folder of faces, 64x64, with the networks of carpedm20's code.

  python -m gan_jax.main --config=experiments/began_faces.py --config.data.path=FOLDER

G has 1,716,611 weights and D 13,405,379. Both move at once, so k is updated with the losses of
before the move; the learning rate starts at 8e-5 (1e-4 in the paper) and is halved every 100,000
rounds down to 2e-5, where the paper waits until M stalls. The authors have released no code.

Not yet trained here beyond `:tiny`: there is no number to expect.
"""

from ml_collections.config_dict import placeholder

from gan_jax.config import experiment, parse_arg, tiny


def get_config(arg=''):
  """`tiny`, `size`, `width` (n in the paper) and `gamma` after the colon."""
  arg = parse_arg(arg, tiny=False, size=64, width=128, gamma=0.5)
  halved = dict(
    name='exponential_decay', init_value=8e-5, transition_steps=100_000, decay_rate=0.5,
    staircase=True, end_value=2e-5,
  )  # fmt: skip
  adam = dict(name='adam', learning_rate=halved, b1=0.9)
  config = dict(
    data=dict(
      name='folder', split='train', path=placeholder(str), size=arg.size, channels=placeholder(int)
    ),
    transform=(dict(name='scale', low=-1.0, high=1.0),),
    prior=dict(name='uniform', dim=64, bound=1.0),
    nets=dict(
      G=dict(name='began.Generator', inputs=('z',), width=arg.width),
      D=dict(name='began.autoencoder', inputs=('image',), width=arg.width, dim=64),
    ),
    objective=dict(name='began', gamma=arg.gamma, lambda_k=1e-3),
    players=dict(D=dict(owns=('D',), tx=adam), G=dict(owns=('G',), tx=adam)),
    play='simultaneous',
    rounds=500_000,
    batch=16,
    rounds_per_call=4,
    evals=dict(
      samples=dict(name='figures.grids.samples', every=1000),
      reconstructions=dict(name='figures.reconstructions.autoencoded', every=1000),
    ),
    log_every=100,
    checkpoint=dict(every=1000, keep=2),
  )
  small = dict(nets__G__width=4, nets__D__width=4)
  return experiment(
    tiny(config, shape=(arg.size // 4, arg.size // 4, 3), **small) if arg.tiny else config
  )
