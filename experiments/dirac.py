"""The Dirac-GAN (Mescheder et al. 2018, section 2): which games come to rest, in two numbers.

python -m gan_jax.main --config=experiments/dirac.py
python -m gan_jax.main --config=experiments/dirac.py:penalty=r1
python -m gan_jax.main --config=experiments/dirac.py:pair=wasserstein,penalty=wgan_gp
python -m gan_jax.main --config=experiments/dirac.py:play=simultaneous
"""

from gan_jax.config import experiment, parse_arg, tiny


def get_config(arg=''):
  """`tiny`, `pair`, `penalty` and its `weight`, `play`, `rate`, and `k`, how often D moves."""
  arg = parse_arg(
    arg, tiny=False, pair='minimax', penalty='', weight=1.0, play='alternating', rate=0.1, k=1
  )
  sgd = dict(name='sgd', learning_rate=arg.rate)
  turns = dict(schedule=('D',) * arg.k + ('G',)) if arg.play == 'alternating' else {}
  penalties = (dict(name=arg.penalty, weight=arg.weight),) if arg.penalty else ()
  config = dict(
    data=dict(name='line.dirac', split='train'),
    prior=dict(name='uniform', dim=1),
    nets=dict(
      G=dict(name='dirac.Generator', inputs=('z',)),
      D=dict(name='dirac.Discriminator', inputs=('image',)),
    ),
    objective=dict(name='gan', pair=dict(name=arg.pair), penalties=penalties),
    players=dict(D=dict(owns=('D',), tx=sgd), G=dict(owns=('G',), tx=sgd)),
    play=dict(name=arg.play, **turns),
    rounds=500,
    batch=4,
    rounds_per_call=5,
    evals=dict(
      position=dict(name='figures.field.position', every=5),
      dirac=dict(name='figures.field.dirac', every=25),
    ),
    log_every=5,
    checkpoint=dict(every=500, keep=2),
    finish=('figures.field.portrait', 'figures.timelapse.timelapse'),
  )
  return experiment(tiny(config) if arg.tiny else config)
