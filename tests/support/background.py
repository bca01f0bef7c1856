"""Something that goes on beside a test, and whose failure is the test's."""

import threading


class Background:
    """Runs `work(stop)` in a thread until it returns; `stop` is set when the block is left.

    What `work` raises is raised where the block ends, unless the block itself failed.
    """

    def __init__(self, work):
        self._stop = threading.Event()
        self._failure = None
        self._thread = threading.Thread(target=self._run, args=(work,))

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, kind, *_):
        self._stop.set()
        self.join(kind is None)

    def join(self, shall_raise=True):
        self._thread.join()
        if self._failure is not None and shall_raise:
            raise self._failure

    def _run(self, work):
        try:
            work(self._stop)
        except Exception as failure:  # raised by join()
            self._failure = failure
