"""Semi-supervised CIFAR-10 with 4,000 labels (Salimans et al. 2016, section 6.2).

  python -m gan_jax.main --config=experiments/improved_cifar10.py
  python -m gan_jax.main --config=experiments/improved_cifar10.py:discriminate=minibatches

By feature matching, which classifies best, or with minibatch discrimination, whose images are best;
as in the authors' train_cifar_feature_matching.py and train_cifar_minibatch_discrimination.py: 1200
epochs, the learning rate 3e-4 going to 0 over the last 400. Where it differs: z is U(-1/2, 1/2),
which is their U(0, 1) after BatchNorm; labelled minibatches are drawn from the 4,000, not dealt
round by round; the average of D's weights is a plain mean at first where theirs starts at 0; in
minibatch discrimination the generated, unlabelled and labelled images are compared each among
themselves, as there. Not run to its end here.
"""

from ml_collections.config_dict import placeholder

from gan_jax.config import experiment, parse_arg, tiny
from gan_jax.errors import InputError

ROUNDS = 600_000  # 1200 epochs of 500
WAYS = {
  # What D discriminates -> (fields of D, what G pays, schedule)
  'features': ({}, dict(match=dict(name='improved.matching', layer=-1, power=1)), (('G', 1),)),
  'minibatches': (dict(input_keep=1.0, noise=0.2, kernels=100), {}, (('G', 0),) * 3),
}


def get_config(arg=''):
  """`tiny`, `pair`, `labels` (of each class) and `discriminate` (a key of WAYS) after the colon."""
  arg = parse_arg(arg, tiny=False, pair='minimax', labels=400, discriminate='features')
  if arg.discriminate not in WAYS:
    raise InputError(f'discriminate={arg.discriminate!r} is none of {", ".join(WAYS)}.')
  fields, pays, moves = WAYS[arg.discriminate]

  def adam(moves):
    rate = dict(
      name='linear_schedule',
      init_value=3e-4,
      end_value=0.0,
      transition_begin=moves * 2 // 3,
      transition_steps=moves // 3,
    )
    return dict(name='adam', learning_rate=rate, b1=0.5, eps=0.0, eps_root=1e-8)

  config = dict(
    data=dict(
      name='labelled',
      of=dict(name='cifar10', folder=placeholder(str)),
      split='train',
      per_class=arg.labels,
      seed=1,
    ),
    transform=(dict(name='scale', low=-1.0, high=1.0),),
    prior=dict(name='uniform', dim=100, bound=0.5),
    nets=dict(
      G=dict(name='improved.Generator', inputs=('z',), width=128, fit=100),
      D=dict(
        name='improved.Discriminator',
        inputs=('image',),
        width=96,
        heads=dict(classes=10),
        fit=500,
        **fields,
      ),
    ),
    objective=dict(name='improved.semi_supervised', pair=dict(name=arg.pair), d_weight=0.5, **pays),
    players=dict(
      D=dict(owns=('D',), tx=adam(ROUNDS)),
      G=dict(owns=('G',), tx=adam(ROUNDS * len(moves))),
    ),
    play=dict(name='alternating', schedule=(('D', 0), *moves)),
    ema=dict(D=dict(name='warmed_up', decay=0.9999)),
    rounds=ROUNDS,
    batch=100,
    rounds_per_call=50,
    evals=dict(
      errors=dict(name='metrics.classify.classify', every=5000),
      samples=dict(name='figures.grids.samples', every=5000),
    ),
    log_every=100,
    checkpoint=dict(every=5000, keep=2),
  )
  small = dict(
    data=dict(
      name='labelled',
      of=dict(name='synthetic', shape=(32, 32, 3), n=64),
      split='train',
      per_class=1,
      seed=1,
    ),
    nets__G__width=2,
    nets__G__fit=8,
    nets__D__width=2,
    nets__D__fit=8,
  )
  return experiment(tiny(config, **small) if arg.tiny else config)
