"""The pages in a real browser: nothing fails, nothing is fetched, and a telephone can show them.

What can be seen of a page without one is in test_page.py.

Covers: report/page.py.
"""

import shutil

import pytest

from gan_jax.report import __main__ as command

PHONE, DESK = 360, 1200
pytestmark = pytest.mark.slow  # a browser starts, and shows each page in several ways


@pytest.fixture(scope='module')
def browser():
  """A headless Chromium of the system's."""
  api = pytest.importorskip('playwright.sync_api')
  path = shutil.which('chromium') or shutil.which('google-chrome')
  if path is None:
    pytest.skip('no chromium is installed')
  with api.sync_playwright() as play:
    opened = play.chromium.launch(executable_path=path, args=['--no-sandbox'])
    yield opened
    opened.close()


@pytest.fixture(scope='module')
def pages(begin, evaluate, tmp_path_factory):
  """name -> a page of a run, of one that was killed at once, and of three side by side."""
  tmp_path = tmp_path_factory.mktemp('pages')
  one = begin(tmp_path / 'a', logged=(100, 200, 400), pictures=(0, 200, 400))
  two = begin(tmp_path / 'b', logged=(100, 400), pictures=(400,), batch=20)
  bare = begin(tmp_path / '<i>killed & long' / ('x' * 60))
  for folder, n in ((one, 50), (two, 50)):
    evaluate(folder, n_fake=n, features='a_name_that_has_no_end_' * 5)
  every = [str(folder) for folder in (one, two, bare)]
  asked = {'one': every[:1], 'bare': every[2:], 'several': every}
  return {n: command.write(dirs, str(tmp_path / f'{n}.html')) for n, dirs in asked.items()}


@pytest.mark.parametrize('width', [PHONE, DESK])
def test_html_opens_from_disk_and_fits_the_screen(browser, pages, width):
  for name, path in pages.items():
    for scheme in ('light', 'dark'):
      page = browser.new_page(viewport={'width': width, 'height': 800}, color_scheme=scheme)
      errors, asked = [], []
      page.on('console', lambda m, e=errors: e.append(m.text) if m.type == 'error' else None)
      page.on('pageerror', lambda error, e=errors: e.append(str(error)))
      page.on('request', lambda r, a=asked: a.append(r.url))
      page.goto(path.as_uri())
      assert not errors, name
      assert [url for url in asked if not url.startswith(('file:', 'data:'))] == []
      assert page.evaluate('document.documentElement.scrollWidth') <= width, name
      shown = '[...document.images].every(i => i.naturalWidth > 0 && i.alt !== "")'
      assert page.evaluate(shown), name
      page.close()


def test_html_has_all_that_can_be_opened_in_reach_of_the_keyboard(browser, pages):
  page = browser.new_page()
  page.goto(pages['one'].as_uri())
  reached = set()
  for _ in range(60):
    page.keyboard.press('Tab')
    reached.add(page.evaluate('document.activeElement.tagName'))
  assert {'A', 'SUMMARY'} <= reached
  page.close()
