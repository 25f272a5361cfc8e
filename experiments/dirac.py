"""The Dirac-GAN (Mescheder et al. 2018, section 2): which games come to rest, in two numbers.

python -m gan_jax.main --config=experiments/dirac.py
python -m gan_jax.main --config=experiments/dirac.py:penalty=r1
python -m gan_jax.main --config=experiments/dirac.py:pair=wasserstein,penalty=wgan_gp
python -m gan_jax.main --config=experiments/dirac.py:play=simultaneous

`portrait.png` has the vector field with the run in it, and the eigenvalues at (0, 0) of the field
and of a round. From (1, 1), 500 rounds of SGD at 0.1, in some twenty seconds each:

| game | where it went | eigenvalues of the field | largest of a round |
|---|---|---|---|
| minimax | round and round at the same distance | ± .5i | 1 |
| nonsaturating | inwards, ever more slowly: .39 off after 500 rounds | ± .5i | 1 |
| minimax, simultaneous | outwards: 2.18 off | ± .5i | 1.0012 |
| wasserstein | round and round | ± i | 1 |
| wasserstein, wgan_gp | from (-2, 0) to (2, 0) and back, for ever | none: v jumps there | - |
| minimax, r1 of weight .3 | to rest: .0009 off | -.15 ± .477i | .985 |
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
