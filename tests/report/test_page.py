"""A page says what the folder holds, whatever state the run is in, and needs nothing beside it.

Covers: report/__main__.py, report/cost.py, report/facts.py, report/lines.py, report/metrics.py,
report/pictures.py, report/told.py, sessions.py.
"""

import base64
import io
import json
import pathlib
import re

import numpy as np
import pytest
from PIL import Image

from gan_jax import log, sessions
from gan_jax.report import cost, facts, lines, metrics, page, pictures, told
from gan_jax.report.__main__ import write
from tests import commands
from tests.messages import refused, says

RNG = np.random.default_rng(0)


def text_of(html):
  """What a reader sees of it."""
  html = re.sub(r'<style>.*?</style>|<svg.*?</svg>', '', html, flags=re.DOTALL)
  return ' '.join(re.sub(r'<[^>]*>', ' ', html).split())


@pytest.fixture(scope='module')
def whole(begin, evaluate, tmp_path_factory):
  """The page of a whole run with everything."""
  run = begin(tmp_path_factory.mktemp('whole') / 'run', range(100, 500, 100), (0, 200, 400))
  evaluate(run, 200, n=10)
  evaluate(run, 400, n=10)
  log.save_png(run / 'figures' / 'neighbours_00000400.png', np.zeros((9, 9, 3), np.uint8))
  return page.html([run])


def test_html_of_a_whole_run_has_everything(whole):
  text = text_of(whole)
  says(
    text,
    'digits: 8x8x1, 10 classes, train',
    '400 rounds',
    'frechet 2.00 ± 0.25 round 400 n 10 code abc1234',
    'fd 3.00 ± 0.50',
    'nonsaturating',
    'samples, round 400',
    'samples, rounds 0 to 400',
    'neighbours, round 400',
    '4,000',  # images shown to D
    'Over the rounds',
  )
  assert whole.count('<img') == 3
  assert len(whole) < 1_000_000


def test_html_needs_nothing_beside_it_and_describes_every_picture(whole):
  html = whole
  outside = re.findall(r'(?:src|srcset|href)="(?!data:|#)([^"]*)"', html)
  assert outside == []
  assert "default-src 'none'" in html
  assert '<script' not in html
  assert re.findall(r'url\((?!#)[^)]*\)', html) == [], 'only clip paths of the charts'
  assert all('alt="' in tag and 'alt=""' not in tag for tag in re.findall(r'<img[^>]*>', html))
  assert '<meta name="viewport" content="width=device-width' in html
  ids = re.findall(r'\bid="([^"]*)"', re.sub(r'<svg.*?</svg>', '', html, flags=re.DOTALL))
  assert len(ids) == len(set(ids))
  assert {anchor for anchor in re.findall(r'href="#([^"]*)"', html) if anchor[0] != 'm'} <= set(ids)


def test_html_escapes_what_a_config_says(begin, evaluate, tmp_path):
  wicked = '<script>alert(1)</script>"\'&{{ 7*7 }}'
  run = begin(tmp_path / 'run <b>', (100,), (0,), data=dict(name='folder', path=wicked))
  evaluate(run, real=wicked)
  entry = {'step': 200, 'D/<img src=x>': 1.0, '$x_2$': 1.0}
  with (run / log.FILE).open('a') as file:
    file.write(json.dumps(entry) + '\n')
  for html in (page.html([run]), page.html([run, begin(tmp_path / 'b')])):
    assert '<script' not in html
    assert '<img src=x>' not in html
    assert '<b>' not in text_of(html)
    assert '&lt;script&gt;' in html
    assert '{{ 7*7 }}' in html


@pytest.mark.parametrize(
  ('logged', 'taken', 'said'),
  [
    ((), (), ('Nothing has been logged', 'No picture', '0 of 400 rounds', 'still going on')),
    ((100, 200), (0,), ('200 of 400 rounds', 'During training')),
  ],
)
def test_html_of_a_run_that_is_not_whole(logged, taken, said, begin, tmp_path):
  says(text_of(page.html([begin(tmp_path / 'run', logged, taken)])), *said)


def test_html_of_a_killed_run_with_torn_files(begin, evaluate, tmp_path):
  run = begin(tmp_path / 'run', (100,), (0, 100))
  evaluate(run)
  with (run / log.FILE).open('a') as file:
    file.write('{"step": 200, "D/lo')
  (run / 'samples' / 'samples_00000200.png').write_bytes(b'\x89PNG\r\n')
  (run / 'evaluations' / '00000500.json').write_text('{"of"')
  (run / 'facts.json').write_text('')
  text = text_of(page.html([run]))
  says(text, '100 of 400 rounds', 'samples, round 200 ')


def test_html_has_a_gap_for_what_is_not_finite(begin, tmp_path):
  run = begin(tmp_path / 'run', (100,))
  with (run / log.FILE).open('a') as file:
    file.write('{"step": 200, "D/loss": NaN, "fd": Infinity, "never": NaN}\n')
  html = page.html([run])
  assert 'inf' in text_of(html)
  assert 'Chart of loss' in html
  assert 'Chart of never' not in html


def test_html_says_whether_a_run_went_back_and_which_was_its_best(begin, tmp_path):
  run = begin(tmp_path / 'run')
  (run / 'returns.json').write_text(json.dumps([{'from': 90, 'to': 50, 'why': 'grey samples'}]))
  (run / 'best').mkdir()
  (run / 'best' / 'best.json').write_text(json.dumps(dict(value='fd', number=3.0, round=50)))
  text = text_of(page.html([run]))
  says(text, '90 to 50: grey samples', 'best fd', 'of round 50')


def test_html_of_several_runs_has_them_side_by_side(begin, evaluate, tmp_path):
  a = begin(tmp_path / 'x' / 'run', (100, 400), (0, 400))
  other = dict(name='gan', pair=dict(name='hinge'))
  b = begin(tmp_path / 'y' / 'run', (100, 200), (0, 200), objective=other, batch=20)
  evaluate(a, n=10)
  evaluate(b, frechet=1.0, n=10)
  html = page.html([a, b])
  text = text_of(html)
  # x/run: runs of one name are told apart
  says(
    text,
    'x/run',
    'frechet 2.00 ± 0.25 1.00 ± 0.25',
    'frechet: of round 400 400',
    'batch 10 20',
    'objective.pair nonsaturating hinge',
    'fd in training 3.00 ± 0.50 3.00 ± 0.50',
  )
  assert html.count('<img') == 2
  assert 'Chart of D/loss: x/run from' in html


def test_side_by_side_has_no_row_for_what_was_measured_otherwise(begin, evaluate, tmp_path):
  runs = [begin(tmp_path / name) for name in 'ab']
  for run, n in zip(runs, (10, 999), strict=True):
    evaluate(run, n=n)
  table, why = metrics.side_by_side([told.read(run) for run in runs])
  assert table == []
  (line,) = why
  says(line, 'frechet', 'n is 10 in a and 999 in b')
  says(text_of(page.html(runs)), line)


def test_html_of_a_population_and_of_a_folder_of_stages(begin, tmp_path):
  pop = tmp_path / 'population'
  for seed in (0, 1):
    begin(pop / f'seed={seed}', (), (0,), seed=seed)
  members = {f'seed={i}': dict(diverged=None if i else 'round 7: D/loss is nan') for i in (0, 1)}
  numbers = {'D/loss': dict(mean=1.0, sd=0.125, n=2), 'one': dict(mean=2.0, sd=None, n=1)}
  groups = [dict(values={'lr': 0.1}, members=2, numbers=numbers)]
  (pop / 'population.json').write_text(json.dumps(dict(members=members, groups=groups)))
  text = text_of(page.html([pop]))
  says(text, '2 runs', 'lr = 0.1 (2) D/loss 1.00 ± 0.12 one 2', 'Diverged', 'round 7', 'seed 0 1')

  stages = tmp_path / 'stages'
  begin(stages / 'coarse', (), (0,))
  (stages / 'whole.json').write_text(json.dumps(dict(sampler='x', runs=['coarse', 'fine'])))
  (stages / log.FILE).write_text('{"step": 1, "modes": 3}\n{"step": 2, "modes": 4}\n')
  log.save_png(stages / 'samples' / 'samples_00000002.png', np.zeros((9, 9, 3), np.uint8))
  text = text_of(page.html([stages]))
  says(text, '1 runs', 'samples, round 2')  # the second has not begun


def test_html_refuses_what_has_no_page(begin, tmp_path):
  run = begin(tmp_path / 'run')
  (tmp_path / 'whole.json').write_text(json.dumps(dict(runs=['nothing'])))
  for given, said in (
    ([tmp_path / 'nowhere'], [tmp_path / 'nowhere', 'config.json']),
    ([run, run], [run, 'twice']),
    ([run, tmp_path], [tmp_path, 'several']),
    ([tmp_path], [tmp_path, 'none']),
    ([], ['which run']),
  ):
    with refused(*said):
      page.html(given)


def test_html_has_a_bounded_size(begin, tmp_path, monkeypatch):
  run = begin(tmp_path / 'run')
  for i in range(5):  # of noise, which nothing makes smaller; the first alone is encoded anew
    noise = RNG.integers(0, 256, (310, 310, 3) if i else (500, 500, 3), np.uint8)
    log.save_png(run / 'samples' / f'kind{i}_00000100.png', noise)
  monkeypatch.setattr('gan_jax.report.page.shown', lambda w: page_shown(w, 1_000_000))
  html = page.html([run])
  assert len(html) < 2_000_000
  assert html.count('<img') == 3
  assert html.count('data:image/webp') == 1
  says(text_of(html), 'kind3, round 100', 'kind4, round 100', '1 MB')


page_shown = page.shown


def test_shown_scales_down_the_large_and_has_a_still_of_what_moves(tmp_path):
  paths = [tmp_path / f'{i}.png' for i in range(3)]
  for i, path in enumerate(paths):
    log.save_png(path, np.full((8, 2000 if i == 0 else 16, 3), 80 * i, np.uint8))
  wanted = [pictures.Wanted(paths[:1], 'wide', ''), pictures.Wanted(paths[1:], 'moving', '')]
  (wide, moving), why = pictures.shown(wanted)
  assert why == []
  assert wide.uri.startswith('data:image/webp')
  assert (wide.width, wide.height) == (2000, 8), 'as it is, for the page to make room'
  opened = lambda uri: Image.open(io.BytesIO(base64.b64decode(uri.partition(',')[2])))
  assert opened(wide.uri).size[0] == pictures.SIDE
  assert opened(moving.uri).n_frames == 2
  assert opened(moving.still).n_frames == 1
  assert np.asarray(opened(moving.still)).mean() == pytest.approx(160, abs=8)


def test_report_writes_the_page_and_says_where_it_is(begin, tmp_path):
  run = begin(tmp_path / 'run')
  done = commands.run('gan_jax.report', f'--workdir={run}')
  assert done.status == 0, done
  says(done.out, run / 'report.html', 'MB')
  assert (run / 'report.html').read_text().startswith('<!doctype html>')
  done = commands.run('gan_jax.report', '--workdir=/nowhere')
  assert done.status == 1
  assert done.err.count('\n') == 1
  says(done.err, '/nowhere')


def test_write_makes_the_folder_and_refuses_where_it_cannot_write(begin, tmp_path):
  run, out = begin(tmp_path / 'run'), tmp_path / 'deep' / 'two.html'
  assert write([str(run), str(begin(tmp_path / 'b'))], str(out), 'A & B') == out
  assert '<h1>A &amp; B</h1>' in out.read_text()
  with refused(out / 'x.html'):
    write([str(run)], str(out / 'x.html'))


# --- numbers --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
  ('value', 'error', 'said'),
  [
    (0.03336, 0.005935, '0.0334 ± 0.0059'),
    (225.34, 2.04, '225.3 ± 2.0'),
    (1234.5, 26.0, '1234 ± 26'),
    (0.5, None, '0.5'),
    (0.5, 0.0, '0.5'),
    (float('nan'), 1.0, 'nan'),
    (1e-9, None, '1e-09'),
  ],
)
def test_number_is_told_as_far_as_its_error_goes(value, error, said):
  assert metrics.number(value, error) == said


def test_rows_have_errors_beside_their_values():
  values = dict(precision=0.5, recall=0.25, recall_stderr=0.01, stderr=0.1, k=3.0, k_sd=1.0)
  assert metrics.rows('prdc', values) == [
    ('precision', '0.50 ± 0.10'), ('recall', '0.250 ± 0.010'), ('k', '3.0 ± 1.0')
  ]  # fmt: skip


def test_thinned_line_keeps_its_ends_and_peaks():
  x = np.arange(10_000.0)
  y = np.sin(x / 500)
  y[4321], y[7000:7100] = 99, np.nan
  at, kept = lines.thinned(x, y, 200)
  assert len(at) <= 202
  assert (at[0], at[-1]) == (0, 9999)
  assert np.nanmax(kept) == 99
  assert np.nanmin(kept) == np.nanmin(y)
  np.testing.assert_array_equal(np.isnan(kept), np.isnan(y[at.astype(int)]))
  short = lines.thinned(x[:5], y[:5])
  np.testing.assert_array_equal(short[1], y[:5])


def test_panels_take_the_pages_colours_and_tell_what_they_show():
  line = lines.Line('a <b>', np.array([0.0, 10]), np.array([1.0, 2]), colour=9)
  (panel,) = lines.panels({'loss': [line]})
  assert 'var(--line-1)' in panel.svg
  assert 'currentColor' in panel.svg
  assert not re.search(r'#0[12]0', panel.svg)
  assert panel.svg.startswith('<svg')
  assert 'a &lt;b&gt;' in panel.svg
  says(panel.alt, 'loss', 'a <b> from 1 at 0 to 2 at 10')


def test_cost_is_that_of_the_rates_and_the_sessions(begin, tmp_path):
  run = begin(tmp_path / 'run', (100, 200))
  found = cost.cost(told.read(run))
  assert found == cost.Cost(2000, 100.0, 20.0, None)
  path = run / sessions.FILE
  code = dict(gan_jax='1', revision='abc')
  for line in (
    dict(began=1000.0, round=0, command='a', code=code, device='d'),
    dict(ended=1030.0, how='Interrupted: SIGTERM'),
    dict(began=2000.0, round=100, command='b', code=code, device='d'),
    dict(ended=2020.0, how='finished'),
  ):
    with path.open('a') as file:
      file.write(json.dumps(line) + '\n')
  run = told.read(run)
  assert cost.cost(run) == cost.Cost(2000, 100.0, 20.0, 50.0)
  assert cost.cost(run).share == 0.6
  says(dict(facts.origins(run))['Begun'], '2 sessions', '1970-01-01 00:33')
  says(facts.status(run), '200 of 400 rounds', 'finished')


def test_parameters_are_counted_without_weights(begin, tmp_path):
  run = told.read(begin(tmp_path / 'run'))
  assert facts.parameters(run) == {'D': 64 * 8 + 8 + 8 + 1, 'G': 4 * 8 + 8 + 8 * 64 + 64}
  odd = run._replace(config={**run.config, 'nets': dict(G=dict(name='not.at.hand'))})
  assert facts.parameters(odd) == {}


def test_spoken_descriptions_are_like_calls():
  spec = dict(name='gan', pair='hinge', penalties=[dict(name='r1', weight=0.1)], more=dict(a=1))
  assert facts.spoken(spec) == "gan(pair='hinge', penalties=[r1(weight=0.1)], more={a=1})"
  assert facts.spoken(10_000) == '10,000'
  assert facts.spoken(True) == 'True'


def test_session_is_noted_and_how_it_ended(tmp_path):
  with sessions.session([tmp_path], 0):
    assert 'ended' not in sessions.read(tmp_path)[0]
  with pytest.raises(KeyError), sessions.session([tmp_path], 5):
    raise KeyError('x')
  with (tmp_path / sessions.FILE).open('a') as file:
    file.write('{"beg')
  one, two = sessions.read(tmp_path)
  assert (one['how'], two['how'], two['round']) == ('finished', "KeyError: 'x'", 5)
  assert one['ended'] >= one['began']
  assert one['code']['revision']
  assert ' x ' in one['device']
  assert sessions.read(pathlib.Path('/nowhere')) == []
