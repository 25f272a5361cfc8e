"""Figure 1 of Goodfellow et al. 2014, alive: a GAN on the line, beside what theory says of it.

python -m gan_jax.main --config=experiments/gan_line.py
python -m gan_jax.main --config=experiments/gan_line.py:data=gaussian
python -m gan_jax.main --config=experiments/gan_line.py --config.prior.name=uniform

`line` is the paper's figure, `alive.gif` that with V beside it, round by round. D has five moves to
each of G's and a higher learning rate, so that it keeps near D*. Two Gaussians, seed 0, 50 s on two
busy CPU cores: V(D, G) follows -log 4 + 2 JSD from round 300 on to within .02; JSD falls from .259
to .0073 (round 900) and .0048 (3,000, where V(D, G) is -1.386 = -log 4 and D 1/2 but in the tails).
V(D*, G), of points, is -log 4 + 2 JSD, of densities, to .005 in every round.

Of a uniform z, which is that of the paper, this G makes densities with an edge, and D finds it: JSD
stays at .030, and V(D, G) = -1.329 at V(D*, G) = -1.329.
"""

from gan_jax.config import experiment, parse_arg, tiny


def get_config(arg=''):
  """`tiny`, `data` (mixture, gaussian), `pair`, and `k`, the moves of D in a round."""
  arg = parse_arg(arg, tiny=False, data='mixture', pair='nonsaturating', k=5)
  adam = dict(name='adam', b1=0.5, b2=0.9)
  d_moves, g_moves = dict(**adam, learning_rate=2e-3), dict(**adam, learning_rate=3e-4)
  config = dict(
    data=dict(name=f'line.{arg.data}', split='train'),
    prior=dict(name='normal', dim=1),
    nets=dict(
      G=dict(name='plain.Generator', inputs=('z',), hidden=(32, 32)),
      D=dict(name='plain.Discriminator', inputs=('image',), hidden=(32, 32, 32)),
    ),
    objective=dict(name='gan', pair=dict(name=arg.pair)),
    players=dict(D=dict(owns=('D',), tx=d_moves), G=dict(owns=('G',), tx=g_moves)),
    play=dict(name='alternating', schedule=('D',) * arg.k + ('G',)),
    rounds=3000,
    batch=256,
    rounds_per_call=25,
    evals=dict(
      line=dict(name='figures.line.line', every=75),
      value=dict(name='metrics.value.value', every=75),
    ),
    log_every=75,
    checkpoint=dict(every=1000, keep=4),
    finish=('figures.line.course', 'figures.line.alive', 'figures.dynamics.dynamics'),
  )
  return experiment(tiny(config) if arg.tiny else config)
