"""How an executor is asked to stop."""

import os
import signal
import threading

from gan_jax.executors.stopping import signals


def test_signals_are_noted_in_order_and_handled_as_before_afterwards():
  before = [signal.getsignal(s) for s in (signal.SIGTERM, signal.SIGINT)]
  with signals() as asked:
    os.kill(os.getpid(), signal.SIGTERM)
    os.kill(os.getpid(), signal.SIGINT)
    assert asked == [signal.SIGTERM, signal.SIGINT]
  assert [signal.getsignal(s) for s in (signal.SIGTERM, signal.SIGINT)] == before


def test_signals_are_left_alone_in_another_thread():
  before, found = signal.getsignal(signal.SIGTERM), []

  def look():
    with signals() as asked:
      found.append((asked, signal.getsignal(signal.SIGTERM)))

  thread = threading.Thread(target=look)
  thread.start()
  thread.join()
  assert found == [([], before)]
