"""From runs to the page: what its template is handed, and the HTML."""

import json
import pathlib
import time
from collections.abc import Sequence
from typing import Any

import numpy as np
from markupsafe import Markup

from gan_jax import measuring, pages, runs, summary
from gan_jax.errors import InputError
from gan_jax.figures import evaluations
from gan_jax.report import cost, facts, lines, metrics, told
from gan_jax.report.lines import Line, Panel
from gan_jax.report.pictures import PAGE, Shown, Wanted, shown
from gan_jax.report.told import Told

TOGETHER = {'real': "D's output", 'fake': "D's output"}  # what shares a panel
FEW = 600_000  # bytes of pictures at least that each of several runs has, whatever they are


def html(workdirs: Sequence[str | pathlib.Path], title: str = '') -> str:
  """The page of a run, of a folder of several, or of several side by side.

  Raises InputError if one of them is no run, or one is given twice.
  """
  names = [str(w) for w in workdirs]
  if not names:
    raise InputError('say of which run: --workdir=RUN, and again for each to set beside it.')
  titles = told.titled(names)
  several = told.together(names[0]) if len(names) == 1 else None
  if several:
    whole, members = several
    if not members:
      raise InputError(f'{names[0]} is of several runs, of which none has begun.')
    shared = dict(compared(members, f'{len(members)} runs of {whole.title}'), whole=_whole(whole))
    return _render(shared, title)
  if len(names) == 1:
    return _render(alone(told.read(names[0], titles[names[0]])), title)
  each = [_one(name, titles[name]) for name in names]
  return _render(compared(each, f'{len(each)} runs side by side'), title)


def alone(run: Told) -> dict[str, Any]:
  """What the page of one run says."""
  kinds = told.pictures(run.workdir / 'samples')
  wanted, places = [], []
  for kind, taken in sorted(kinds.items(), key=lambda item: (item[0] != 'samples', item[0])):
    wanted.append(_latest(run, kind, taken[-1]))
    places.append('latest')
    if moving := _timelapse(run, kind, taken):
      wanted.append(moving)
      places.append('moving')
  drawn = _figures(run)
  found, why = shown([*wanted, *drawn])
  places += ['figure'] * len(drawn)
  at = lambda place: [p for p, q in zip(found, places, strict=True) if p and q == place]
  return dict(
    **_facts(run),
    runs=[run.title],
    latest=at('latest'),
    moving=at('moving'),
    figures=at('figure'),
    left_out=why,
    curves=lines.panels(_panels(run)),
    courses=lines.panels(_courses(run), legend=False),
  )


def compared(each: Sequence[Told], title: str) -> dict[str, Any]:
  """What the page of several runs says."""
  table, refused = metrics.side_by_side(each)
  rows, why = _side_by_side(each)
  own = [_facts(run) for run in each]
  return dict(
    title=title,
    subtitle=', '.join(dict.fromkeys(one['data'] for one in own)),
    runs=[run.title for run in each],
    each=own,
    differences=facts.differing(each),
    table=table,
    refused=refused,
    rows=rows,
    left_out=why,
    curves=lines.panels(_over_one_another(each), legend=False),
  )


def _facts(run: Told) -> dict[str, Any]:
  """What the page says of a run, but for its pictures and curves."""
  weights, spent = facts.parameters(run), cost.cost(run)
  return dict(
    title=run.title,
    subtitle=facts.data(run),
    data=facts.data(run),
    status=facts.status(run),
    best=run.best,
    returns=run.returns,
    tiles=cost.tiles(run, weights, spent),
    asked=facts.asked(run.config),
    config=json.dumps(run.config, indent=1, default=str),
    origins=facts.origins(run),
    weights=[(name, f'{count:,}') for name, count in weights.items()],
    costs=cost.costs(spent),
    measured=metrics.measured(run),
    during=metrics.during(run),
  )


def _whole(run: Told) -> dict[str, Any]:
  """What is said of a folder of several runs beside what is said of them."""
  path = run.workdir / summary.FILE
  groups = runs.read_json(path)['groups'] if path.exists() else []
  names = sorted({name for group in groups for name in group['numbers']})
  cells = lambda group: [metrics.number(v['mean'], v['sd']) if (v := group['numbers'].get(n))
                         else '–' for n in names]  # fmt: skip
  titled = [', '.join(f'{k} = {v:g}' for k, v in g['values'].items()) or 'all' for g in groups]
  columns = [cells(group) for group in groups]
  kinds = told.pictures(run.workdir / 'samples')
  latest = [_latest(run, kind, taken[-1]) for kind, taken in sorted(kinds.items())]
  found, why = shown([*latest, *_figures(run)], PAGE // 3)
  return dict(
    groups=list(zip(titled, [group['members'] for group in groups], strict=True)),
    numbers=[[name, *(c[i] for c in columns)] for i, name in enumerate(names)],
    pictures=[p for p in found if p],
    left_out=why,
    curves=lines.panels(_panels(run), x='run'),
  )


def _one(workdir: str, title: str) -> Told:
  if told.together(workdir):
    raise InputError(
      f'{workdir} is a folder of several runs, which has a page of its own; name those of them '
      'that are to stand beside others.'
    )
  return told.read(workdir, title)


def _latest(run: Told, kind: str, last: tuple[int, pathlib.Path]) -> Wanted:
  words = kind.replace('_', ' ')
  return Wanted(
    [last[1]], f'{words}, round {last[0]:,}', f'{words} of {run.title} after {last[0]:,} rounds'
  )


def _timelapse(run: Told, kind: str, taken: Sequence[tuple[int, pathlib.Path]]) -> Wanted | None:
  """The GIF that a run ends with, or the pictures so far, if they are two or more."""
  stills = [path for _, path in taken if path.suffix == '.png']
  if len(stills) < 2:
    return None
  made = run.workdir / f'{kind}.gif'
  whole = made.exists() and made.stat().st_mtime >= stills[-1].stat().st_mtime
  words, first, last = kind.replace('_', ' '), taken[0][0], taken[-1][0]
  return Wanted(
    [made] if whole else stills,
    f'{words}, rounds {first:,} to {last:,}',
    f'Animation: {words} of {run.title} from round {first:,} to {last:,}',
  )


def _figures(run: Told) -> list[Wanted]:
  """The newest of each kind in figures/."""
  folder = run.workdir / 'figures'
  newest = {kind: taken[-1] for kind, taken in told.pictures(folder).items()}
  others = [p for p in sorted(folder.glob('*')) if p.suffix in ('.png', '.gif')]
  named = {path for taken in told.pictures(folder).values() for _, path in taken}
  words = lambda text: text.replace('_', ' ')
  return [_latest(run, kind, last) for kind, last in newest.items()] + [
    Wanted([p], words(p.stem), f'Figure {words(p.stem)} of {run.title}')
    for p in others
    if p not in named
  ]


def _side_by_side(each: Sequence[Told]) -> tuple[list[tuple[str, list[Shown | None]]], list[str]]:
  """(kind, the latest picture of each run or None) of the kinds that two or more have."""
  kinds = [told.pictures(run.workdir / 'samples') for run in each]
  shared = [k for k in dict.fromkeys(k for one in kinds for k in one)
            if sum(k in one for one in kinds) > 1]  # fmt: skip
  shared.sort(key=lambda kind: kind != 'samples')
  cells = [(k, i) for k in shared for i in range(len(each)) if k in kinds[i]]
  wanted = [_latest(each[i], k, kinds[i][k][-1]) for k, i in cells]
  found, why = shown([w._replace(caption=f'{each[i].title}: {w.caption}')
                      for w, (_, i) in zip(wanted, cells, strict=True)])  # fmt: skip
  at = dict(zip(cells, found, strict=True))
  return [(k, [at.get((k, i)) for i in range(len(each))]) for k in shared], why


def _panels(run: Told) -> dict[str, list[Line]]:
  """One panel for each kind of number, a line for each player."""
  groups: dict[str, list[Line]] = {}
  for name, values in told.series(run).items():
    last = name.split('/')[-1]
    drawn = groups.setdefault(TOGETHER.get(last, last.replace('_', ' ')), [])
    drawn.append(_line(name, values, len(drawn)))
  return groups


def _over_one_another(each: Sequence[Told]) -> dict[str, list[Line]]:
  """One panel for each number that two or more runs have, a line for each run."""
  series = [told.series(run) for run in each]
  names = dict.fromkeys(name for one in series for name in one)
  return {
    name: [_line(each[i].title, one[name], i) for i, one in enumerate(series) if name in one]
    for name in names
    if sum(name in one for one in series) > 1
  }


def _courses(run: Told) -> dict[str, list[Line]]:
  """Each metric of evaluations/ over the rounds, if it was measured in two or more."""
  try:
    found = evaluations.read(run.workdir)
  except (KeyError, ValueError):  # a file of another's making, or a damaged one
    return {}
  return {
    name: [Line(name, course.rounds, course.values, course.errors)]
    for name, course in found.items()
    if len(course.rounds) > 1
  }


def _line(label: str, values: dict[int, float], colour: int) -> Line:
  at = sorted(values)
  return Line(label, np.array(at, float), np.array([values[i] for i in at]), colour=colour)


def _render(said: dict[str, Any], title: str) -> str:
  return pages.template(pathlib.Path(__file__).with_name('page.html')).render(
    **{**said, 'title': title or said['title']},
    svg=lambda panel: Markup(panel.svg),  # ours, its text escaped by matplotlib
    colours=lines.COLOURS,
    written=time.strftime('%Y-%m-%d %H:%M UTC', time.gmtime()),
    code=measuring.code(),
  )


__all__ = ['Panel', 'alone', 'compared', 'html']
