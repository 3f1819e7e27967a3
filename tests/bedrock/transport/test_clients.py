"""The clients that the wrappers make: when, how many, and for how long they are remembered."""

import gc
import multiprocessing
import os
import threading
import time
import weakref

import boto3
import botocore.loaders
import pytest
from botocore.config import Config

from bedrock_auth.aws import _FileLoader
from bedrock_auth.bedrock import BedrockRuntime
from bedrock_auth.bedrock.transport.clients import Clients, client_maker


def made(session, **settings):
    settings = {"service": "bedrock-runtime", "region_name": None, "config": None, "read_timeout": 60, **settings}
    return client_maker(session, **settings)()


@pytest.fixture
def plain():
    return boto3.Session("AKIAEXAMPLE", "secret", region_name="us-east-1")


def test_equal_settings_share_a_client_and_others_do_not(plain):
    first = made(plain, config=Config(retries={"mode": "standard"}, proxies={"http": "http://localhost"}))
    assert made(plain, config=Config(proxies={"http": "http://localhost"}, retries={"mode": "standard"})) is first
    others = [
        made(plain),
        made(plain, config=Config(connect_timeout=1)),
        made(plain, read_timeout=61),
        made(plain, region_name="eu-west-3"),
        made(plain, service="bedrock-agent-runtime"),
        made(boto3.Session("AKIAEXAMPLE", "secret", region_name="us-east-1")),
    ]
    assert len({id(client) for client in [first, *others]}) == 1 + len(others)


def test_runtimes_of_one_session_share_their_clients(plain):
    assert BedrockRuntime(plain)._client() is BedrockRuntime(plain, retries=1)._client()


def test_nothing_is_made_before_it_is_needed(plain, monkeypatch):
    monkeypatch.setattr(boto3.Session, "client", lambda *_, **__: pytest.fail("too early"))
    BedrockRuntime(plain)


def test_a_session_is_not_kept_alive(plain):
    session = boto3.Session("AKIAEXAMPLE", "secret", region_name="us-east-1")
    made(session)
    known = weakref.ref(session)
    del session
    gc.collect()
    assert known() is None


def test_a_session_that_remembers_its_clients_itself_is_asked_once_by_each_user(plain):
    class Caller:
        def __init__(self):
            self.asked = []

        def client(self, service, region_name=None, config=None):
            self.asked.append((service, region_name, config.read_timeout))
            return plain.client(service, region_name=region_name or "us-east-1", config=config)

    caller = Caller()
    runtime = BedrockRuntime(caller)
    assert caller.asked == []
    assert runtime._client() is runtime._client()
    assert BedrockRuntime(caller)._client() is not runtime._client()
    assert caller.asked == [("bedrock-runtime", None, 3600)] * 2


def test_threads_that_need_the_same_client_get_one():
    clients, begin, calls, results = Clients(), threading.Barrier(8), [], []

    def make():
        calls.append(1)
        time.sleep(0.05)  # as long as it takes, in which the others come
        return object()

    def need():
        begin.wait()
        results.append(clients.get("key", make))

    threads = [threading.Thread(target=need) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(calls), len(set(map(id, results)))) == (1, 1)


def test_a_client_that_could_not_be_made_is_tried_again():
    clients = Clients()
    with pytest.raises(ZeroDivisionError):
        clients.get("key", lambda: 1 / 0)
    assert clients.get("key", lambda: "made") == "made"


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
@pytest.mark.filterwarnings("ignore:.*multi-threaded:DeprecationWarning")
def test_a_forked_child_makes_its_own_even_if_the_parent_was_making_one():
    clients, queue = Clients(), multiprocessing.get_context("fork").SimpleQueue()
    clients.get("key", lambda: "the parent's")
    with clients._making:
        child = multiprocessing.get_context("fork").Process(
            target=lambda: queue.put(clients.get("key", lambda: "its own")), daemon=True
        )
        child.start()
        child.join(10)
    assert child.exitcode == 0
    assert queue.get() == "its own"
    assert clients.get("key", lambda: "new") == "the parent's"


@pytest.mark.parametrize("name", ["endpoints", "partitions", "nothing"])
def test_data_files_are_read_as_botocore_reads_them_and_the_collector_goes_on(name):
    path = f"{botocore.loaders.Loader.BUILTIN_DATA_PATH}/{name}"
    assert gc.isenabled()
    assert _FileLoader().load_file(path) == botocore.loaders.JSONFileLoader().load_file(path)
    assert gc.isenabled()


def test_a_collector_that_somebody_has_stopped_stays_stopped():
    gc.disable()
    try:
        _FileLoader().load_file(f"{botocore.loaders.Loader.BUILTIN_DATA_PATH}/partitions")
        assert not gc.isenabled()
    finally:
        gc.enable()
