"""Botocore's service models, which take a tenth of a second each: read once, and by forked children too."""

from __future__ import annotations

import os
import signal
import threading
from concurrent.futures import ThreadPoolExecutor

from botocore.loaders import JSONFileLoader

from guardrails.aws.sessions import OneAtATime, models

THREADS = 8


class Counted(JSONFileLoader):
    """Botocore's own reader of files, which notes what is read, and waits inside until it is let on."""

    def __init__(self):
        self.read = []
        self.inside, self.on = threading.Event(), threading.Event()

    def load_file(self, file_path):
        self.read.append(os.path.relpath(file_path).split("data/")[-1])
        self.inside.set()
        self.on.wait(30)
        return super().load_file(file_path)


def loader(files):
    usual = models().get_component("data_loader")
    return OneAtATime(list(usual.search_paths), files, include_default_search_paths=False)


def test_read_once():
    """Eight threads that ask for a model at the same time read its files once."""
    files = Counted()
    shared, together = loader(files), threading.Barrier(THREADS)

    def load(_):
        together.wait(30)
        return shared.load_service_model("ec2", "service-2"), shared.load_data("endpoints")

    with ThreadPoolExecutor(THREADS) as pool:
        found = pool.map(load, range(THREADS))
        files.inside.wait(30)
        files.on.set()
        (first, endpoints), *others = found
    assert all(model is first and data is endpoints for model, data in others)
    assert len(files.read) == len({*files.read}) > 1


def test_forked_while_read():
    """A child that is forked while another thread reads a model does not wait for that thread."""
    files = Counted()
    shared = loader(files)
    reading = threading.Thread(target=shared.load_service_model, args=("ec2", "service-2"))
    reading.start()
    files.inside.wait(30)
    child = os.fork()
    if child == 0:
        signal.alarm(30)
        # The other thread may have been about to wait for the old one.
        files.on = threading.Event()
        files.on.set()
        shared.load_service_model("sts", "service-2")
        os._exit(0)
    files.on.set()
    reading.join()
    assert os.waitpid(child, 0)[1] == 0
